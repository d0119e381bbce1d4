"""A standalone cluster of two workers makes the bytes that one machine makes, whatever fails on the way."""

import os
import sys
from pathlib import Path

import pytest

from leadterm.config import load_config
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location, read_manifest
from support.bad_input import put, texts
from support.commands import ROOT, content_hashes, submit, write_config
from support.leftovers import leftovers

SENTENCES = ["the cat {0} sat on the mat", "a dog and {1} cats ran", "{0} birds, {1} fish and the sea", "so {2}"]
FAULTS = ROOT / "tests/support/faults"


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """A corpus and what one machine makes of it."""
    place = tmp_path_factory.mktemp("corpus")
    for file in range(4):
        rows = [SENTENCES[n % 4].format(n, n * n, n * file) * (n % 7) for n in range(1000)]
        put(place / f"in/{file}.parquet", texts(rows), row_group_size=200)
    properties = {"spark.sql.shuffle.partitions": 3, "spark.sql.files.maxPartitionBytes": 2**15}
    sections = {"windows": {"length": 16, "files": 5}, "report": {"figures": "never"}}
    write_config(place / "a.yaml", str(place / "in"), spark=properties, **sections)
    run_jobs(load_config(place / "a.yaml"), Location.of(place / "local"))
    return place


def test_a_cluster_makes_the_same_bytes_though_tasks_fail_and_an_executor_is_killed(cluster, folder, tmp_path):
    """The executor takes with it a part of the shuffle, which is made again."""
    path = os.pathsep.join([str(FAULTS), str(ROOT / "lib")])
    properties = {
        "spark.pyspark.python": sys.executable,
        "spark.python.unix.domain.socket.enabled": "true",
        "spark.executorEnv.PYTHONPATH": path,
        "spark.executorEnv.FAULTS_DONE": str(tmp_path),
        "spark.executor.extraJavaOptions": os.environ.get("SPARK_SUBMIT_OPTS", ""),
    }
    options = [word for key, value in properties.items() for word in ("--conf", f"{key}={value}")]
    arguments = ["--config", folder / "a.yaml", "--output", folder / "cluster"]
    done = submit("run_pipeline", arguments, folder, cluster.url, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(fault.name for fault in tmp_path.iterdir()) == ["count-failed", "killed", "merge-failed"]
    assert "Shuffle files lost for executor" in done.stderr
    there, here = content_hashes(folder / "cluster"), content_hashes(folder / "local")
    assert there.pop("report") != here.pop("report")  # It tells the run's name.
    assert there == here
    assert not leftovers(folder / "cluster")
    work = read_manifest(Location.of(folder / "cluster"), "bigram").work
    assert [work[f"{stage} co-occurrences"]["failed_tasks"] for stage in ("count", "merge")] == [1, 1]
    encoded = read_manifest(Location.of(folder / "cluster"), "windows").work["encode documents"]
    assert encoded["failed_tasks"] + encoded["stage_retries"] >= 1, "of the executor that was killed"
