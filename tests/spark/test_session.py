"""Where a session's properties come from: spark-submit, the configuration, defaults, or a session that runs already."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from leadterm.spark import session as session_module
from leadterm.spark.session import spark_session
from support.cluster import Cluster, running_cluster
from support.commands import BIN, environment

PROBE = """
import json
from leadterm.spark.session import start_session
config = {{"spark.app.mine": "config", "spark.app.ours": "config", "spark.sql.execution.arrow.maxRecordsPerBatch": 7}}
session = start_session("probe", config | {extra})
print("FOUND", json.dumps(dict(session.sparkContext.getConf().getAll())))
again = start_session("again", {{"spark.sql.shuffle.partitions": 77}})
print("AGAIN", again is session, session.conf.get("spark.sql.shuffle.partitions"))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master alone: a session needs no executor."""
    with running_cluster(tmp_path_factory.mktemp("cluster"), workers=0) as running:
        yield running


def probe(tmp_path: Path, *options: str, extra: str = "{}") -> dict[str, str]:
    """Start a session through spark-submit, or through Python if there are no options; returns its properties."""
    script = tmp_path / "probe.py"
    script.write_text(PROBE.format(extra=extra))
    command = [str(BIN / "spark-submit"), *options] if options else [sys.executable]
    changes = {"PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        [*command, str(script)], env=environment(**changes), capture_output=True, text=True, check=True, timeout=300
    )
    found, again = (line.split(maxsplit=1) for line in done.stdout.splitlines() if line[:5] in ("FOUND", "AGAIN"))
    assert again[1].startswith("True")
    return json.loads(found[1]) | {"joined": again[1].split()[1]}


def test_properties_of_spark_submit_win_over_the_config_and_those_over_defaults(cluster, tmp_path):
    mine = ("--conf", "spark.app.mine=submit", "--conf", "spark.sql.shuffle.partitions=5")
    found = probe(tmp_path, "--master", cluster.url, *mine)
    assert found["spark.master"] == cluster.url
    assert (found["spark.app.mine"], found["spark.app.ours"]) == ("submit", "config")
    assert found["spark.sql.execution.arrow.maxRecordsPerBatch"] == "7"
    assert found["spark.sql.execution.arrow.maxBytesPerBatch"] == str(16 * 2**20)
    assert found["joined"] == "5", "what spark-submit was given stays when a running session is joined"
    assert "spark.driver.bindAddress" not in found, "defaults for one machine are not for a cluster"
    assert found.get("spark.driver.memory") != "4g"


def test_a_master_in_the_config_is_no_local_one(cluster, tmp_path):
    found = probe(tmp_path, extra=repr({"spark.master": cluster.url}))
    assert found["spark.master"] == cluster.url
    assert found["spark.app.mine"] == "config"
    assert "spark.driver.bindAddress" not in found


def test_a_session_without_a_master_of_its_own_is_a_local_one(spark):
    found = dict(spark.sparkContext.getConf().getAll())
    assert found["spark.master"] == "local[2]"
    assert found["spark.driver.bindAddress"] == "127.0.0.1"
    assert found["spark.ui.enabled"] == "false"
    assert found["spark.driver.memory"] == "2g", "the fixture's own wins over the default"


def test_a_session_that_runs_already_is_joined_and_goes_on(spark):
    before = spark.conf.getAll
    with spark_session("joined", {"spark.sql.shuffle.partitions": 77, "spark.sql.ansi.enabled": False}) as joined:
        assert joined is spark
        assert joined.conf.get("spark.sql.shuffle.partitions") == before["spark.sql.shuffle.partitions"]
    assert spark.range(3).count() == 3
    spark.conf.unset("spark.sql.ansi.enabled")


def slowly(batches):
    """Take a second for each batch of rows."""
    for batch in batches:
        time.sleep(1.0)
        yield batch


def test_tasks_end_before_java_goes(spark, monkeypatch):
    """A worker that Java leaves alone writes a traceback of PySpark's to the terminal."""
    job = threading.Thread(target=lambda: spark.range(0, 4, 1, 4).mapInArrow(slowly, "id long").toArrow())
    job.start()
    end = time.monotonic() + 60
    while not session_module._active_tasks(spark) and time.monotonic() < end:
        time.sleep(0.02)
    monkeypatch.setattr(session_module, "ENDING_SECONDS", 60.0)
    session_module.let_tasks_end(spark)
    assert session_module._active_tasks(spark) == 0
    job.join(timeout=10)
    assert not job.is_alive()


@pytest.mark.parametrize(("master", "seconds"), [("local[2]", 0.5), ("local", 0.5), ("spark://host:7077", 0.0)])
def test_nobody_waits_for_long(monkeypatch, master, seconds):
    """For tasks that do not end; nor for those of a cluster, whose workers write to logs of their own."""
    monkeypatch.setattr(session_module, "ENDING_SECONDS", 0.5)
    monkeypatch.setattr(session_module, "_active_tasks", lambda _session: 1)
    running = SimpleNamespace(sparkContext=SimpleNamespace(master=master))
    started = time.monotonic()
    session_module.let_tasks_end(running)
    assert seconds <= time.monotonic() - started < seconds + 0.4
