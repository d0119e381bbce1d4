"""A job that was interrupted resumes from what it had finished, to the same bytes; a corpus that changes is refused."""

import logging
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from leadterm import operators
from leadterm.config import Config
from leadterm.counting import plan_memory
from leadterm.errors import InputError, LeadtermError
from leadterm.pipeline.aggregation import driver as merged
from leadterm.pipeline.aggregation.partial_sums_file import finished_sums
from leadterm.pipeline.compose_weights import cuda
from leadterm.pipeline.compose_weights import job as compose_job
from leadterm.pipeline.compose_weights.score_scratch import Unfinished
from leadterm.pipeline.count_cooccurrences import job as count_job
from leadterm.pipeline.encode_corpus import job as encode_job
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location
from support.commands import content_hashes
from support.jobs import make_config, names_in, write_files
from support.leftovers import leftovers

COUNTS = ("bigram", "context", "frequencies")


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """A corpus of 12 files of windows, and the run that is never stopped."""
    place = tmp_path_factory.mktemp("resumed")
    chance = random.Random(1)
    words = [f"{first}{second}" for first in "abcdef" for second in "uvwxyz"]
    texts = [" ".join(chance.choice(words) for _ in range(40)) for _ in range(200)]
    write_files(place / "in", pa.array(texts), 2)
    run_jobs(config(place), Location.of(place / "whole"))
    return place


def config(folder: Path) -> Config:
    return make_config(
        folder / "in",
        {"kind": "words", "vocabulary_size": 36, "unknown": "replace"},
        windows={"length": 8, "files": 12},
        counting={"rows_per_file": 8},
    )


@pytest.fixture(autouse=True)
def small_units(monkeypatch, caplog):
    """A task counts a file at a time, and tells."""
    caplog.set_level(logging.INFO, "leadterm")

    def plan(*args, **options):
        return replace(plan_memory(*args, **options), unit_tokens=500)

    for module in ("count_cooccurrences.job", "count_attention.count_terms"):
        monkeypatch.setattr(f"leadterm.pipeline.{module}.plan_memory", plan)


@pytest.fixture
def run(folder, tmp_path) -> Path:
    """A run that holds windows only."""
    for product in ("sources", "documents", "vocabulary", "windows"):
        shutil.copytree(folder / "whole" / product, tmp_path / "run" / product)
    return tmp_path / "run"


def job(folder: Path, run: Path, *names: str) -> None:
    run_jobs(config(folder), Location.of(run), names or None)


class Stopped(OSError):
    """What ends a job in these tests: a machine's fault."""


def stop(*_args, **_options):
    raise Stopped("by a test")


def staging_of(run: Path) -> Path:
    [place] = run.glob(".staging-*")
    return place


def same(folder: Path, run: Path, products) -> None:
    expected = content_hashes(folder / "whole")
    found = content_hashes(run)
    assert {product: found[product] for product in products} == {product: expected[product] for product in products}
    assert not leftovers(run)


@pytest.mark.parametrize("seed", range(3))
def test_counting_goes_on_from_any_finished_units(spark, folder, run, seed, caplog, monkeypatch):
    """Of the files that a stopped job leaves, some are lost, one ends early and one is of what others sum too."""
    with monkeypatch.context() as broken, pytest.raises(Stopped):
        broken.setattr(merged, "assign_blocks", stop)
        job(folder, run, "count_cooccurrences")
    place = staging_of(run)
    assert f"finished parts are kept in {place}; run again to resume" in caplog.text
    names = sorted(one.cover.name for one in finished_sums(Location.of(place / "parts")))
    assert len(names) >= 4, "several units, or this tests nothing"
    chance = random.Random(seed)
    for name in chance.sample(names, chance.randrange(len(names))):
        (place / "parts" / name).unlink()
    if left := names_in(place / "parts"):
        data = (place / "parts" / left[0]).read_bytes()
        (place / "parts" / left[0]).write_bytes(data[: chance.randrange(len(data))])
    n_left = len(finished_sums(Location.of(place / "parts")))
    caplog.clear()
    job(folder, run, "count_cooccurrences")
    assert ("% of the tokens had already been counted" in caplog.text) == (n_left > 0)
    same(folder, run, COUNTS)


def test_a_job_stopped_between_its_products_makes_the_others(spark, folder, run, caplog, monkeypatch):
    appear, done = count_job.Staging.commit, []

    def commit_one(self, manifest, parts):
        if done:
            stop()
        appear(self, manifest, parts)
        done.append(manifest.product)

    with monkeypatch.context() as broken, pytest.raises(Stopped):
        broken.setattr(count_job.Staging, "commit", commit_one)
        job(folder, run, "count_cooccurrences")
    assert done == ["bigram"]
    job(folder, run, "count_cooccurrences")
    assert "count co-occurrences: 100 % of the tokens had already been counted" in caplog.text
    same(folder, run, COUNTS)


def test_a_job_killed_after_its_products_appeared_leaves_nothing_for_ever(spark, folder, run):
    job(folder, run, "count_cooccurrences")
    left = run / ".staging-count_cooccurrences-0123456789abcdef/parts"
    left.mkdir(parents=True)
    job(folder, run, "count_cooccurrences")
    assert not left.parent.exists()
    same(folder, run, COUNTS)


def test_a_unit_that_is_reported_twice_is_refused(spark, folder, run, monkeypatch):
    """Its sums would be added twice: no product appears, and nothing is kept to go on from."""
    reported = merged.reported_sums
    monkeypatch.setattr(merged, "reported_sums", lambda table: [*reported(table), reported(table)[0]])
    with pytest.raises(LeadtermError, match=r"consistency check failed: row group .* was counted twice"):
        job(folder, run, "count_cooccurrences")
    assert names_in(run) == ["documents", "sources", "vocabulary", "windows"]


def test_a_unit_that_no_task_reported_is_refused(spark, folder, run, monkeypatch):
    reported = merged.reported_sums
    monkeypatch.setattr(merged, "reported_sums", lambda table: reported(table)[1:])
    with pytest.raises(LeadtermError, match=r"consistency check failed: of 12 row groups of the windows, those that"):
        job(folder, run, "count_cooccurrences")
    assert names_in(run) == ["documents", "sources", "vocabulary", "windows"]


def test_other_settings_begin_anew(spark, folder, run, monkeypatch):
    with monkeypatch.context() as broken, pytest.raises(Stopped):
        broken.setattr(merged, "assign_blocks", stop)
        job(folder, run, "count_cooccurrences")
    before = staging_of(run)
    other = config(folder).model_copy(update={"counting": config(folder).counting.model_copy(update={"scale_bits": 9})})
    run_jobs(other, Location.of(run), ["count_cooccurrences"])
    assert not before.exists()
    assert content_hashes(run)["context"] != content_hashes(folder / "whole")["context"]


def test_composing_and_attention_go_on_too(spark, folder, run, caplog, monkeypatch):
    job(folder, run, "count_cooccurrences")
    monkeypatch.setattr("leadterm.pipeline.compose_weights.score_scratch.SAVE_SECONDS", 0)
    with monkeypatch.context() as broken, pytest.raises(Stopped):
        broken.setattr(compose_job, "write_scores", stop)
        job(folder, run, "compose_weights")
    columns = staging_of(run) / "parts/columns"
    columns.write_bytes(columns.read_bytes()[: 8 * 20])
    job(folder, run, "compose_weights")
    assert "compose scores: 54 % of the tokens had already been composed" in caplog.text
    same(folder, run, ["composed"])
    with monkeypatch.context() as broken, pytest.raises(Stopped):
        broken.setattr(merged, "assign_blocks", stop)
        job(folder, run, "count_attention")
    job(folder, run, "count_attention")
    assert "count attention: 100 % of the tokens had already been counted" in caplog.text
    same(folder, run, ["query_key", "position"])


@pytest.fixture
def gpu(monkeypatch):
    """Composing takes the CPU for a GPU of this name; a block is of 8 tokens."""
    for module in (compose_job, operators):  # The job asks, and whoever refuses before all jobs.
        monkeypatch.setattr(module, "resolve_device", lambda _: torch.device("cpu"))
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: gpu["name"])
    monkeypatch.setattr("leadterm.pipeline.compose_weights.cuda.WIDTH", 8)
    monkeypatch.setattr("leadterm.pipeline.compose_weights.score_scratch.SAVE_SECONDS", 0)
    gpu = {"name": "first"}
    return gpu


def on_gpu(folder: Path, run: Path, **settings: object) -> None:
    section = config(folder).attention.model_copy(update={"device": "cuda", **settings})
    run_jobs(config(folder).model_copy(update={"attention": section}), Location.of(run), ["compose_weights"])


def test_composing_on_a_gpu_goes_on_too(spark, folder, run, gpu, caplog, monkeypatch):
    job(folder, run, "count_cooccurrences")
    whole = Path(shutil.copytree(run, run.parent / "whole"))
    on_gpu(folder, whole)
    save = Unfinished.save

    def stopped(self, done):
        save(self, done)
        if len(done) == 24:
            raise Stopped("by a test")

    with monkeypatch.context() as broken, pytest.raises(Stopped):
        broken.setattr(Unfinished, "save", stopped)
        on_gpu(folder, run)
    scores = np.fromfile(staging_of(run) / "scores")
    assert 0 < np.count_nonzero(scores) < len(scores)
    begun, begin = [], cuda._Blocks.begin
    monkeypatch.setattr(cuda._Blocks, "begin", lambda self, *block: begun.append(block) or begin(self, *block))
    on_gpu(folder, run)
    assert begun == [(24, 32), (32, 37)]
    assert "compose scores: 65 % of the tokens had already been composed" in caplog.text
    assert content_hashes(run)["composed"] == content_hashes(whole)["composed"]
    assert content_hashes(run)["composed"] != content_hashes(folder / "whole")["composed"], "sums are ordered otherwise"
    assert not leftovers(run)


@pytest.mark.parametrize("change", ["another GPU", "less memory", "the CPU"])
def test_composing_elsewhere_begins_anew(spark, folder, run, gpu, caplog, monkeypatch, change):
    job(folder, run, "count_cooccurrences")
    with monkeypatch.context() as broken, pytest.raises(Stopped):
        broken.setattr(compose_job, "write_scores", stop)
        on_gpu(folder, run)
    if change == "another GPU":
        gpu["name"] = "second"
    elif change == "less memory":
        monkeypatch.setattr("leadterm.pipeline.compose_weights.cuda.SHARE", 1e-5)
    on_gpu(folder, run, **({"device": "cpu"} if change == "the CPU" else {}))
    assert "had already been composed" not in caplog.text
    assert not leftovers(run)


@pytest.mark.parametrize("change", ["replaced", "gone", "copied"])
def test_an_input_file_that_changes_while_it_is_read(spark, folder, tmp_path, monkeypatch, change):
    corpus = Path(shutil.copytree(folder / "in", tmp_path / "in"))
    victim, write = corpus / "part-001.parquet", encode_job._write_windows

    def write_and_change(*args):
        reports = write(*args)
        if change == "gone":
            victim.unlink()
        elif change == "copied":
            os.utime(victim, ns=(1, 1))
        else:
            shutil.copy(corpus / "part-000.parquet", victim)
        return reports

    monkeypatch.setattr(encode_job, "_write_windows", write_and_change)
    if change == "copied":
        run_jobs(config(tmp_path), Location.of(tmp_path / "run"), ["encode_corpus"])
        assert content_hashes(tmp_path / "run")["windows"] == content_hashes(folder / "whole")["windows"]
        return
    with pytest.raises(InputError) as caught:
        run_jobs(config(tmp_path), Location.of(tmp_path / "run"), ["encode_corpus"])
    assert str(caught.value).startswith(f"{victim} changed while it was read: ")
    assert not (tmp_path / "run").exists()
