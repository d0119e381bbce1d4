"""A run and its shuffled run: the same tokens, windows of the same lengths, and nothing left but frequency."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm import Run, open_run
from leadterm.catalog.jobs import COUNTING
from leadterm.config import Config
from leadterm.corpus import read_sample
from leadterm.errors import LeadtermError, RunError
from leadterm.pipeline.runner import jobs_of, run_jobs
from leadterm.pipeline.shuffle_corpus.job import shuffle_corpus
from leadterm.storage import Location
from leadterm.telemetry.progress import part_of
from support.jobs import data_hashes, make_config, manifests, names_in, write_files

FILES = 5
BOTH = ("vocabulary", "windows")
ALL = (*COUNTING, "shuffled")


def config_for(path: Path, seed: int = 0) -> Config:
    return make_config(
        path,
        {"kind": "words", "vocabulary_size": 300, "unknown": "replace"},
        windows={"length": 32, "files": FILES},
        counting={"rows_per_file": 50},
        alignment={"shuffled": True, "shuffled_seed": seed},
    )


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """Every eighth chapter of the sample, one of them twice."""
    chapters = read_sample()["text"].to_pylist()[::8]
    place = tmp_path_factory.mktemp("shuffled")
    write_files(place / "in", pa.array([*chapters, chapters[5]]), 2)
    return place


@pytest.fixture(scope="module")
def real(spark, folder) -> Run:
    """The run, and in it the shuffled one, by all jobs."""
    run_jobs(config_for(folder / "in"), Location.of(folder / "run"), ALL)
    return open_run(folder / "run")


@pytest.fixture(scope="module")
def shuffled(real) -> Run:
    return open_run(f"{real.location}/shuffled")


def test_it_is_a_run_of_the_same_tokens_and_windows(real, shuffled):
    assert shuffled.products == [name for name in real.products if name not in ("sources", "documents")]
    assert data_hashes(shuffled, ["vocabulary"]) == data_hashes(real, ["vocabulary"])
    manifest, source = shuffled.manifest("windows"), real.manifest("windows")
    assert manifest.settings == {**source.settings, "shuffled": {"seed": 0}}
    assert manifest.made_from["windows"] == source.content_hash
    assert manifest.counts == source.counts
    groups = [[entry.details["row_group_tokens"] for entry in one.files] for one in (manifest, source)]
    assert groups[0] == groups[1]
    windows, before = list(shuffled.windows()), list(real.windows())
    assert [row.size for row in windows] == [row.size for row in before]
    assert not any((row[:20] == other[:20]).all() for row, other in zip(windows, before, strict=True) if row.size > 20)


def test_its_vocabulary_counts_its_windows(shuffled):
    tokens = [row for entry in shuffled.manifest("windows").files for row in rows_of(shuffled, entry.name)]
    own = np.concatenate([row["tokens"][int(row["window"] > 0) :] for row in tokens])
    assert np.bincount(own, minlength=301).tolist() == shuffled.vocabulary["count"].to_pylist()


def rows_of(run: Run, name: str) -> list[dict]:
    return pq.read_table(Path(run.location.path) / "windows" / name).to_pylist()


def test_its_bigrams_are_those_of_chance(real, shuffled):
    """Mean and variance over all orders of these tokens, exactly; entries of different tokens only."""
    counts, positions = real.vocabulary["count"].to_numpy().astype(float), real.n_positions
    n_tokens = counts.sum()
    chained = positions - sum(row["window"] == 0 for name in names_of(real) for row in rows_of(real, name))
    current, following = counts[:, None], counts[None, :]
    pair = n_tokens * (n_tokens - 1)
    mean = positions * current * following / pair
    # Two positions hold the same pair of different tokens only if they have no token in common.
    apart = positions * (positions - 1) - 2 * chained
    twice = current * (current - 1) * following * (following - 1) / (pair * (n_tokens - 2) * (n_tokens - 3))
    variance = mean + apart * twice - mean**2
    common = ~np.eye(len(counts), dtype=bool) & (mean >= 1)
    deviations = {
        run: ((run.bigram_counts().toarray() - mean)[common] / np.sqrt(variance[common])) for run in (real, shuffled)
    }
    # Squares have mean 1 and variance 2 + 1/mean. Of some 10,000 counts of mean 1 and more, one in 1,000 corpora has a
    # count that is more than 8 standard deviations too large.
    spread = np.sqrt(np.sum(2 + 1 / mean[common])) / common.sum()
    assert abs(np.mean(deviations[shuffled] ** 2) - 1) <= 5 * spread
    assert np.abs(deviations[shuffled]).max() <= 8
    assert np.mean(deviations[real] ** 2) - 1 >= 100 * spread


def names_of(run: Run) -> list[str]:
    return [entry.name for entry in run.manifest("windows").files]


def test_nothing_is_left_of_the_bigram_but_its_frequency_part(real, shuffled):
    """B = (P - alpha beta') + alpha (beta - 1/V)', and the first part is noise of a known size."""
    sizes = {run: residual_norms(run) for run in (real, shuffled)}
    noise = sizes[shuffled]["expected"]
    # A weighted chi-square, by products of shares: its relative variance is 2 (sum of squared shares)^2.
    share = shuffled.current_frequency @ shuffled.current_frequency
    assert abs(sizes[shuffled]["bigram"] / noise - 1) <= 5 * np.sqrt(2) * share / (1 - share)
    assert sizes[real]["bigram"] >= 50 * noise
    assert sizes[real]["context"] >= 10 * sizes[shuffled]["context"]
    assert sizes[shuffled]["frequency"] == pytest.approx(sizes[real]["frequency"], rel=0.02)
    assert sizes[shuffled]["frequency"] >= 20 * sizes[shuffled]["bigram"]


def residual_norms(run: Run) -> dict[str, float]:
    """Squared Frobenius norms: of both maps less the products of their margins, of chance, of the frequency part."""
    bigram = run.bigram_counts().toarray() / run.n_positions
    context = run.context_weights().toarray() / run.n_positions
    current, following = bigram.sum(axis=1), bigram.sum(axis=0)
    return {
        "bigram": float(np.sum((bigram - np.outer(current, following)) ** 2)),
        "context": float(np.sum((context - np.outer(context.sum(axis=1), context.sum(axis=0))) ** 2)),
        "expected": (1 - current @ current) * (1 - following @ following) / run.n_positions,
        "frequency": float(np.sum(np.outer(current, following - 1 / len(current)) ** 2)),
    }


def copy_of(real: Run, folder: Path) -> Location:
    """Copy what the job reads."""
    for product in BOTH:
        shutil.copytree(Path(real.location.path) / product, folder / product)
    return Location.of(folder)


@pytest.mark.parametrize("tasks", [1, 2, 64])
def test_any_number_of_tasks_gives_the_same_bytes(spark, real, shuffled, tmp_path, tasks):
    assert shuffle_corpus(spark, config_for(tmp_path), copy_of(real, tmp_path), tasks=tasks)
    found, expected = (
        {name: replace(one, seconds={}, passing_bytes={}, work={}) for name, one in manifests(run, BOTH).items()}
        for run in (open_run(tmp_path / "shuffled"), shuffled)
    )
    assert found == expected
    assert names_in(tmp_path / "shuffled") == sorted(BOTH)


def test_what_is_done_is_skipped_and_every_line_says_of_which_run(real, folder, caplog):
    config = config_for(folder / "in")
    before = {path: path.stat().st_mtime_ns for path in (folder / "run").rglob("*")}
    with caplog.at_level(logging.INFO, "leadterm"):
        run_jobs(config, real.location, ALL)
    said = ": skipped, because its products are up to date"
    steps = [*COUNTING, *(f"shuffled: {name}" for name in ("shuffle_corpus", *COUNTING[1:]))]
    assert [one.getMessage() for one in caplog.records if one.name == "leadterm"] == [step + said for step in steps]
    assert {path: path.stat().st_mtime_ns for path in (folder / "run").rglob("*")} == before
    assert jobs_of(config) == [*ALL, "evaluate_alignment", "build_report"]
    assert jobs_of(config.model_copy(update={"alignment": None})) == [*COUNTING, "build_report"]


def test_another_seed_is_refused_and_then_gives_another_order(spark, real, shuffled, tmp_path, capfd):
    shutil.copytree(shuffled.location.path, tmp_path / "shuffled")
    run = copy_of(real, tmp_path)
    with pytest.raises(
        RunError, match=r"shuffled contains another run: its 'windows' differs in shuffled.seed: 0 there, 1"
    ):
        shuffle_corpus(spark, config_for(tmp_path, seed=1), run)
    with part_of("shuffled"):
        assert shuffle_corpus(spark, config_for(tmp_path, seed=1), run, overwrite=True)
    assert (
        not data_hashes(open_run(tmp_path / "shuffled"), ["windows"]).items()
        & data_hashes(shuffled, ["windows"]).items()
    )
    assert "shuffled: shuffle windows: " in capfd.readouterr().err


def test_windows_that_are_missing_or_damaged(spark, real, tmp_path):
    run, config = copy_of(real, tmp_path), config_for(tmp_path)
    with pytest.raises(RunError, match=r"has no product 'windows'; .* Run the job encode_corpus on it first"):
        shuffle_corpus(spark, config, run / "elsewhere")
    (tmp_path / "windows/windows-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"windows-00001.parquet is damaged or missing: .*; encode again"):
        shuffle_corpus(spark, config, run)
    assert not (tmp_path / "shuffled").exists()


def test_a_vocabulary_that_does_not_count_these_windows(spark, real, tmp_path, monkeypatch):
    run, counts = copy_of(real, tmp_path), pa.table({"count": pa.array([7, 3])})
    monkeypatch.setattr("leadterm.pipeline.shuffle_corpus.job.read_table", lambda *_: counts)
    with pytest.raises(RunError, match=r"the vocabulary counts 10 tokens and .*/windows holds [\d,]+. Encode again"):
        shuffle_corpus(spark, config_for(tmp_path), run)
    assert not (tmp_path / "shuffled").exists()


def test_sums_that_do_not_agree(spark, real, tmp_path, monkeypatch):
    run, counts = copy_of(real, tmp_path), real.vocabulary["count"].to_numpy()
    monkeypatch.setattr(
        "leadterm.pipeline.shuffle_corpus.job.sum_vectors", lambda _: counts + (np.arange(counts.size) < 2)
    )
    with pytest.raises(
        LeadtermError,
        match=r"consistency check failed: (\d+) of \1 windows were shuffled, and the counts of 2 tokens changed",
    ):
        shuffle_corpus(spark, config_for(tmp_path), run)
    assert not (tmp_path / "shuffled").exists()
