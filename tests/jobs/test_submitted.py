"""The jobs run under spark-submit from any folder, one after the other; to run them again changes nothing."""

from pathlib import Path

import pytest

from leadterm.config import load_config
from leadterm.pipeline import run_jobs
from leadterm.store import Location
from support.bad_input import TEXTS, put, texts
from support.commands import content_hashes, submit, write_config

PRODUCTS = {
    "sources", "vocabulary", "windows", "bigram", "context", "frequencies", "composed", "query_key", "position",
    "report",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A working folder with a corpus and a configuration whose paths are relative to it."""
    place = tmp_path_factory.mktemp("a folder")
    for number in range(3):
        put(place / f"the corpus/{number}.parquet", texts(TEXTS[20 * number : 20 * number + 20]))
    write_config(place / "small.yaml", "the corpus")
    return place


def run_job(folder: Path, job: str, status: int) -> str:
    """Submit a job; returns what it wrote."""
    done = submit(job, ["--config", "small.yaml", "--output", "out/run"], folder, "local[1]")
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout
    assert "Exception" not in done.stderr
    return done.stdout


def test_the_jobs_one_by_one_and_all_again(spark, folder):
    run = folder / "out/run"
    answer = run_job(folder, "count_cooccurrences", 1)
    assert f"leadterm: {run} has no product 'windows'; it holds no product at all. Run the job encode_c" in answer
    assert not (folder / "out").exists()

    assert "encode_corpus: done in " in run_job(folder, "encode_corpus", 0)
    assert "count_cooccurrences: done in " in run_job(folder, "count_cooccurrences", 0)
    assert not list(run.glob(".*"))

    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in run.rglob("*")}
    answer = run_job(folder, "run_pipeline", 0)
    for job in ("encode_corpus", "count_cooccurrences"):
        assert f"{job}: nothing to do: made from the same inputs already" in answer
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in before} == before
    assert {path.name for path in run.iterdir()} == PRODUCTS

    write_config(folder / "absolute.yaml", str(folder / "the corpus"))
    run_jobs(load_config(folder / "absolute.yaml"), Location.of(folder / "here"))
    there, here = content_hashes(run), content_hashes(folder / "here")
    assert there.pop("report") != here.pop("report")  # It tells the run's name.
    assert there == here
