"""A cluster whose run lies in an object store, of which driver and executors are told by the environment."""

import os
import re
import sys
from pathlib import Path

import pytest

from leadterm import open_run
from leadterm.config import load_config
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location, read_manifest
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.read_products import FINISHED
from support.bad_input import TEXTS, put, texts
from support.commands import ROOT, content_hashes, submit, write_config
from support.object_store import ENVIRONMENT, object_store

OUTPUT = "s3://bucket/runs/mine"


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """A corpus, a config that says nothing of the store, and what one machine makes of it on its disk."""
    place = tmp_path_factory.mktemp("corpus")
    for number in range(2):
        put(place / f"in/{number}.parquet", texts(TEXTS[30 * number : 30 * number + 30]))
    write_config(place / "a.yaml", str(place / "in"), report={"figures": "never"})
    run_jobs(load_config(place / "a.yaml"), Location.of(place / "local"))
    return place


@pytest.fixture
def store(monkeypatch):
    """A store on loopback, which this process, and with it the driver, is told of."""
    with object_store("bucket") as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def submitted(cluster, folder: Path, job: str, **executors: str):
    """Submit a job whose executors have these variables."""
    properties = {
        "spark.pyspark.python": sys.executable,
        "spark.executorEnv.PYTHONPATH": str(ROOT / "lib"),
        "spark.executor.extraJavaOptions": os.environ.get("SPARK_SUBMIT_OPTS", ""),
        **{f"spark.executorEnv.{name}": value for name, value in executors.items()},
    }
    options = [word for key, value in properties.items() for word in ("--conf", f"{key}={value}")]
    return submit(job, ["--config", folder / "a.yaml", "--output", OUTPUT], folder, cluster.url, *options)


@pytest.mark.slow
def test_a_run_in_an_object_store_has_the_bytes_of_one_on_a_disk(cluster, store, folder):
    done = submitted(cluster, folder, "run_pipeline", **store.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    here = content_hashes(folder / "local")
    there = {name: read_manifest(Location.of(OUTPUT), name).content_hash for name in here}
    assert there.pop("report") != here.pop("report")  # It tells the run's name.
    assert there == here
    assert check_run(Location.of(OUTPUT)).problems == ()
    hidden = [key for key in store.buckets["bucket"] if "/." in key and not key.endswith(FINISHED)]
    assert not hidden, "nothing of what was on the way is left"
    assert open_run(OUTPUT).associations("cat", "composed", 3) == open_run(folder / "local").associations(
        "cat", "composed", 3
    )
    writes = {key for method, key, _ in store.requests if method in ("PUT", "POST")}
    assert len([key for key in writes if "parts/" in key]) > 5, "tasks wrote there"


@pytest.mark.slow
def test_executors_without_credentials_are_told_of(cluster, store, folder):
    known = {name: value for name, value in store.environment.items() if name not in ENVIRONMENT}
    done = submitted(cluster, folder, "encode_corpus", **known, HOME="/nonexistent")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^leadterm: \S+: the store refused access \(When ", done.stdout, re.MULTILINE), done.stdout
    assert "which executors need too (for S3 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role" in done.stdout
