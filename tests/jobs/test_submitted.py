"""The jobs run under spark-submit from any folder, one after the other; to run them again changes nothing."""

import json
from pathlib import Path

import pytest

from leadterm.catalog.jobs import COUNTING
from leadterm.config import load_config
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location, read_manifest
from leadterm.storage.read_products import FINISHED
from support.bad_input import TEXTS, put, texts
from support.commands import content_hashes, submit, write_config
from support.event_log import jobs_of_event_logs
from support.leftovers import leftovers

PRODUCTS = {
    "sources", "documents", "vocabulary", "windows", "bigram", "context", "frequencies", "composed", "query_key",
    "position", "report",
}  # fmt: skip
STAGES = {
    "sources": {"inspect the input files", "count words", "encode documents"},
    "bigram": {"count co-occurrences", "merge co-occurrences"},
    "query_key": {"count attention", "merge attention"},
}
"""The stages of the jobs that made a product."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A working folder with a corpus and a configuration whose paths are relative to it."""
    place = tmp_path_factory.mktemp("a folder")
    for number in range(3):
        put(place / f"the corpus/{number}.parquet", texts(TEXTS[20 * number : 20 * number + 20]))
    write_config(place / "small.yaml", "the corpus")
    (place / "events").mkdir()
    return place


def run_job(folder: Path, job: str, status: int) -> str:
    """Submit a job, which Spark and leadterm log; returns what it wrote."""
    logged = (
        "--conf",
        "spark.eventLog.enabled=true",
        "--conf",
        f"spark.eventLog.dir={folder / 'events'}",
        "--conf",
        "spark.eventLog.compress=false",
    )
    arguments = ["--config", "small.yaml", "--output", "out/run", "--log-json", "log.jsonl"]
    done = submit(job, arguments, folder, "local[1]", *logged)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout
    assert "Exception" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run(folder) -> Path:
    """A run that was made job by job, and then all again, which changed nothing."""
    run = folder / "out/run"
    answer = run_job(folder, "count_cooccurrences", 1)
    assert f"leadterm: {run} has no product 'windows'; there is no such folder. Run the job encode_c" in answer
    assert not (folder / "out").exists()

    assert "encode_corpus: done in " in run_job(folder, "encode_corpus", 0)
    assert "count_cooccurrences: done in " in run_job(folder, "count_cooccurrences", 0)
    assert not leftovers(run)

    kept = [path for path in run.rglob("*") if path.name != FINISHED]
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in kept}
    answer = run_job(folder, "run_pipeline", 0)
    for job in ("encode_corpus", "count_cooccurrences"):
        assert f"{job}: skipped, because its products are up to date" in answer
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in before} == before
    assert {path.name for path in run.iterdir()} - {FINISHED} == PRODUCTS
    return run


def test_the_jobs_one_by_one_make_what_they_make_together(spark, folder, run):
    write_config(folder / "absolute.yaml", str(folder / "the corpus"))
    run_jobs(load_config(folder / "absolute.yaml"), Location.of(folder / "here"))
    there, here = content_hashes(run), content_hashes(folder / "here")
    assert there.pop("report") != here.pop("report")  # It tells the run's name.
    assert there == here


def test_the_history_server_s_log_tells_every_job_in_words(folder, run):
    jobs = jobs_of_event_logs(folder / "events")
    said = [properties.get("spark.job.description") for properties in jobs]
    assert set().union(*STAGES.values()) == {text.removeprefix("leadterm: ") for text in said}
    groups = [properties["spark.jobGroup.id"] for properties in jobs]
    assert all(group.startswith(f"{text} ") for group, text in zip(groups, said, strict=True))


def test_manifests_tell_what_spark_did(run):
    for product, stages in STAGES.items():
        work = read_manifest(Location.of(run), product).work
        assert set(work) == stages
        for one in work.values():
            assert one["tasks"] >= 1
            assert (one["failed_tasks"], one["killed_tasks"], one["stage_retries"]) == (0, 0, 0)
            assert one["task_seconds"] > 0
    encoded = read_manifest(Location.of(run), "windows").work["encode documents"]
    assert encoded["shuffle_bytes"] > 0


def test_the_log_of_json_tells_each_job_and_each_stage(folder, run):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    commands = [(line["command"], line["event"]) for line in lines if "command" in line]
    assert commands == [
        ("count_cooccurrences", "start"), ("count_cooccurrences", "failed"), ("encode_corpus", "start"),
        ("encode_corpus", "done"), ("count_cooccurrences", "start"), ("count_cooccurrences", "done"),
        ("run_pipeline", "start"), ("run_pipeline", "done"),
    ]  # fmt: skip
    jobs = {}
    for line in lines:
        if "stage" not in line and "command" not in line:
            jobs.setdefault(line["job"], []).append(line["event"])
    again = ["start", "done", "start", "skipped"]
    assert jobs["encode_corpus"] == again
    assert jobs["count_cooccurrences"] == ["start", "failed", *again]
    assert set(jobs) == {*COUNTING, "build_report"}
    windows = read_manifest(Location.of(run), "windows")
    [counted] = [
        line for line in lines if (line["event"], line.get("job")) == ("done", "count_cooccurrences") and "run" in line
    ]
    assert counted["tokens"] == windows.counts["positions"] + windows.counts["windows"]
    assert counted["products"]["bigram"]["nonzeros"] == read_manifest(Location.of(run), "bigram").counts["nonzeros"]
    stages = {line["stage"]: line for line in lines if line["event"] == "done" and "stage" in line}
    assert set().union(*STAGES.values()) <= set(stages)
    for line in stages.values():
        assert line["done"] == line["total"] >= 1
        assert line["job"] in jobs
