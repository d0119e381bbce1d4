"""The jobs run under spark-submit from any folder, together and alone, and a second run changes nothing."""

from pathlib import Path

import pytest

from support.bad_input import TEXTS, put, texts
from support.commands import content_hashes, submit, write_config

PRODUCTS = {"windows", "vocabulary", "bigram", "context", "frequencies"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A working folder with a corpus and a configuration whose paths are relative to it."""
    place = tmp_path_factory.mktemp("a folder")
    for number in range(3):
        put(place / f"the corpus/{number}.parquet", texts(TEXTS[20 * number : 20 * number + 20]))
    write_config(place / "small.yaml", "the corpus")
    return place


@pytest.fixture(scope="module")
def pipeline(folder):
    """All jobs at once."""
    return submit("run_pipeline", ["--config", "small.yaml", "--output", "out/run"], folder)


def test_all_jobs_at_once(folder, pipeline):
    assert pipeline.returncode == 0, pipeline.stdout
    assert set(content_hashes(folder / "out/run")) >= PRODUCTS
    assert not list((folder / "out/run").glob(".*"))
    assert "encode_corpus: done in " in pipeline.stdout
    assert "count_cooccurrences: done in " in pipeline.stdout


@pytest.mark.usefixtures("pipeline")
def test_a_second_run_changes_nothing_and_says_so(folder):
    run = folder / "out/run"
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in [run, *run.rglob("*")]}
    again = submit("run_pipeline", ["--config", "small.yaml", "--output", "out/run"], folder)
    assert again.returncode == 0
    assert "encode_corpus: nothing to do: made from the same inputs already" in again.stdout
    assert "count_cooccurrences: nothing to do: made from the same inputs already" in again.stdout
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in [run, *run.rglob("*")]} == before


@pytest.mark.usefixtures("pipeline")
def test_each_job_alone_makes_the_same_bytes(folder):
    for job in ("encode_corpus", "count_cooccurrences"):
        done = submit(job, ["--config", "small.yaml", "--output", folder / "alone"], folder)
        assert done.returncode == 0, done.stdout
        assert f"{job}: done in " in done.stdout
    assert content_hashes(folder / "alone") == content_hashes(folder / "out/run")


def test_counting_first_says_which_job_is_missing(folder):
    done = submit("count_cooccurrences", ["--config", "small.yaml", "--output", "new"], folder)
    assert done.returncode == 1
    assert "leadterm: " in done.stdout
    assert "/new has no product 'windows'; it holds no product at all. Run the job encode_corpus" in done.stdout
    assert "Traceback" not in done.stdout
    assert "Exception" not in done.stderr
    assert not (folder / "new").exists()
