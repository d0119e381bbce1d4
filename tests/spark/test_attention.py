"""Whole attention jobs: equal to the definition, the same bytes for any tasks and memory, errors with their cause."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from leadterm import Run, open_run
from leadterm.config import Config
from leadterm.counting import plan_memory
from leadterm.errors import RunError
from leadterm.pipeline.compose_weights.job import compose_weights
from leadterm.pipeline.count_attention.job import count_attention
from leadterm.storage import Location
from support.dense_attention import dense_attention, dense_composed, dense_scores
from support.jobs import data_hashes, make_config, run_both, write_files
from support.markov import markov_documents

SIZE, LENGTH = 60, 24
PRODUCTS = ("composed", "query_key", "position")


def config_for(path: Path, **attention: object) -> Config:
    return make_config(
        path,
        {"kind": "ids", "vocabulary_size": SIZE},
        corpus={"ids_column": "ids"},
        windows={"length": LENGTH},
        counting={"rows_per_file": 7},
        attention=attention,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A corpus of ragged documents."""
    documents = markov_documents(np.random.default_rng(7), 150, SIZE, (1, 70), 0.05)
    place = tmp_path_factory.mktemp("attention")
    write_files(place / "in", pa.array(documents, pa.list_(pa.int32())), 3, name="ids")
    return place


@pytest.fixture(scope="module")
def counted(spark, folder) -> Run:
    """Windows and counts of it."""
    return run_both(spark, config_for(folder / "in"), folder / "counted", tasks=2)


def attend(spark, counted: Run, folder: Path, tasks: int | None = None, **attention: object) -> Run:
    """Compose and count attention in a copy of the counts."""
    shutil.copytree(counted.location.path, folder)
    config = config_for(folder, **attention)
    assert compose_weights(config, Location.of(folder))
    assert count_attention(spark, config, Location.of(folder), tasks=tasks)
    return open_run(folder)


@pytest.fixture(scope="module")
def reference(spark, counted, folder) -> Run:
    return attend(spark, counted, folder / "reference", tasks=1)


def definition(run: Run, kept: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Q and Delta by dense matrices and the softmax's Jacobian."""
    ids = None if kept is None else np.flatnonzero(kept)
    dense = (run.bigram_counts().toarray(), run.context_weights().toarray(), run.current_frequency)
    composed = dense_composed(*dense, run.context_frequency, run.n_positions, SIZE, ids)
    query_key, position = dense_attention(
        [window.tolist() for window in run.windows()], dense_scores(composed, SIZE, ids), LENGTH
    )
    if kept is not None:
        query_key[~kept] = query_key[:, ~kept] = 0
    return query_key, position


def assert_equals_definition(run: Run, kept: np.ndarray | None = None) -> None:
    query_key, position = definition(run, kept)
    # The units are 2^-61 of the largest possible sum; what is left is float64 rounding of sums of some 10^4 terms.
    assert np.linalg.norm(run.query_key().toarray() - query_key) <= 1e-10 * np.linalg.norm(query_key)
    assert np.linalg.norm(run.position() - position) <= 1e-10 * np.linalg.norm(position)


def test_the_job_equals_the_definition(reference):
    assert_equals_definition(reference)
    query_key = reference.query_key()
    assert np.abs(query_key.sum(axis=1)).max() <= 1e-12 * np.abs(query_key).sum(axis=1).max()
    assert abs(reference.position().sum()) <= 1e-12 * np.abs(reference.position()).sum()


def test_some_tokens_only(spark, counted, folder):
    run = attend(spark, counted, folder / "top", top_tokens=23)
    counts = run.vocabulary["count"].to_numpy()
    kept = np.isin(np.arange(SIZE), sorted(range(SIZE), key=lambda token: (-counts[token], token))[:23])
    assert_equals_definition(run, kept)
    assert not run.query_key().toarray()[~kept].any()


def test_the_authors_orientation_is_the_transpose(reference):
    assert (reference.query_key("authors").toarray() == reference.query_key().toarray().T).all()


@pytest.mark.parametrize("tasks", [2, 7, 64])
def test_any_number_of_tasks_gives_the_same_bytes(spark, counted, reference, tmp_path, tasks, monkeypatch):
    monkeypatch.setattr("leadterm.pipeline.aggregation.driver.MOST_FILES", 4)  # files of partial sums that a task opens
    run = attend(spark, counted, tmp_path / "run", tasks=tasks)
    assert data_hashes(run, PRODUCTS) == data_hashes(reference, PRODUCTS)


def test_any_memory_gives_the_same_bytes(spark, counted, reference, tmp_path, monkeypatch):
    def little(*_: object, **options: bool) -> object:
        return replace(plan_memory(2**30, SIZE, LENGTH, **options), unit_tokens=50, batch_entries=1, block_places=30)

    monkeypatch.setattr("leadterm.pipeline.count_attention.count_terms.plan_memory", little)
    run = attend(spark, counted, tmp_path / "run", tasks=2)
    assert data_hashes(run, PRODUCTS) == data_hashes(reference, PRODUCTS)


def test_scores_that_spark_hands_out(spark, counted, reference, tmp_path):
    run = attend(spark, counted, tmp_path / "run", distribution="spark")
    assert data_hashes(run, PRODUCTS) == data_hashes(reference, PRODUCTS)


def test_done_work_is_not_done_again(spark, reference):
    place, config = reference.location, config_for(Path(reference.location.path))
    assert not compose_weights(config, place)
    assert not count_attention(spark, config, place)
    with pytest.raises(RunError, match="its 'composed' differs in top_tokens: None there, 5 now"):
        compose_weights(config_for(Path(place.path), top_tokens=5), place)


def test_scores_that_were_changed_are_refused(spark, counted, reference, tmp_path):
    shutil.copytree(reference.location.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/query_key")
    scores = tmp_path / "run/composed/scores.arrow"
    data = bytearray(scores.read_bytes())
    data[len(data) // 2] ^= 1
    scores.write_bytes(data)
    with pytest.raises(RunError, match=r"scores.arrow is damaged: its SHA-256 is .* Run the job compose_weights again"):
        count_attention(spark, config_for(tmp_path / "run"), Location.of(tmp_path / "run"), overwrite=True)
    assert not (tmp_path / "run/query_key").exists()


def test_scores_of_another_corpus_are_refused(spark, counted, reference, tmp_path):
    run = shutil.copytree(reference.location.path, tmp_path / "run")
    found = open_run(run).manifest("composed")
    other = replace(found, made_from=found.made_from | {"bigram": "0" * 64})
    (run / "composed/manifest.json").write_bytes(other.to_json())
    with pytest.raises(RunError, match="'composed' was made from a different 'bigram' than the run holds"):
        count_attention(spark, config_for(run), Location.of(run), overwrite=True)


def test_before_the_counts_and_before_the_scores(spark, counted, tmp_path):
    with pytest.raises(RunError, match="has no product 'vocabulary'"):
        compose_weights(config_for(tmp_path), Location.of(tmp_path / "none"))
    with pytest.raises(RunError, match=r"has no product 'composed'; .* Run the job compose_weights on it first"):
        count_attention(spark, config_for(tmp_path), counted.location)
