"""A standalone cluster of two workers makes the bytes that one machine makes; its settings come in the right order."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leadterm.config import load_config
from leadterm.spark.session import spark_session
from support.bad_input import put, texts
from support.cluster import Cluster, kill, running_cluster
from support.commands import ROOT, content_hashes, environment, write_config
from support.jobs import run_both

SENTENCES = ["the cat {0} sat on the mat", "a dog and {1} cats ran", "{0} birds, {1} fish and the sea", "so {2}"]
READS_SHUFFLE = re.compile(r"Starting task \S+ in stage .* NODE_LOCAL")
"""What Spark logs when a task begins to read what other tasks left on its machine."""
NO_EXECUTOR = "spark.executor.memory=9g"
"""More than a worker has, so that none is started."""
PYTHON = ("--conf", f"spark.pyspark.python={sys.executable}", "--conf", f"spark.executorEnv.PYTHONPATH={ROOT / 'lib'}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Cluster:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """A corpus and what one machine makes of it."""
    place = tmp_path_factory.mktemp("corpus")
    for file in range(4):
        rows = [SENTENCES[n % 4].format(n, n * n, n * file) * (n % 7) for n in range(2000)]
        put(place / f"in/{file}.parquet", texts(rows), row_group_size=200)
    properties = {"spark.sql.shuffle.partitions": 3, "spark.sql.files.maxPartitionBytes": 2**15}
    write_config(place / "a.yaml", str(place / "in"), spark=properties, windows={"length": 16, "files": 5})
    run_both(spark, load_config(place / "a.yaml"), place / "local")
    return place


def arguments(folder: Path, name: str) -> list[str]:
    return ["--config", str(folder / "a.yaml"), "--output", str(folder / name)]


def test_a_cluster_makes_the_same_bytes_though_an_executor_is_killed(cluster, folder):
    """It is killed as the windows are written: the map output that it holds is lost, and made again."""
    command = [Path(sys.executable).parent / "spark-submit", "--master", cluster.url, *PYTHON]
    command += [ROOT / "jobs/run_pipeline.py", *arguments(folder, "cluster")]
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output, writes, killed = "", False, False
        for line in process.stdout:
            output += line
            writes |= "spark/encode.py" in line
            if writes and not killed and READS_SHUFFLE.search(line):
                kill(cluster.executors()[0])
                killed = True
    assert killed, output
    assert process.returncode == 0, output
    assert "Lost executor" in output
    assert "Shuffle files lost for executor" in output
    assert content_hashes(folder / "cluster") == content_hashes(folder / "local")


PROBE = """
import json
from leadterm.spark.session import start_session
config = {{"spark.app.mine": "config", "spark.app.ours": "config", "spark.sql.execution.arrow.maxRecordsPerBatch": 7}}
session = start_session("probe", config | {extra})
print("FOUND", json.dumps(dict(session.sparkContext.getConf().getAll())))
again = start_session("again", {{"spark.sql.shuffle.partitions": 77}})
print("AGAIN", again is session, session.conf.get("spark.sql.shuffle.partitions"))
"""


def probe(tmp_path: Path, *options: str, extra: str = "{}") -> dict[str, str]:
    """Start a session through spark-submit, or through Python if there are no options; returns its properties."""
    script = tmp_path / "probe.py"
    script.write_text(PROBE.format(extra=extra))
    command = [str(Path(sys.executable).parent / "spark-submit"), *options] if options else [sys.executable]
    changes = {"PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        [*command, str(script)], env=environment(**changes), capture_output=True, text=True, check=True, timeout=300
    )
    found, again = (line.split(maxsplit=1) for line in done.stdout.splitlines() if line[:5] in ("FOUND", "AGAIN"))
    assert again[1].startswith("True")
    return json.loads(found[1]) | {"joined": again[1].split()[1]}


def test_properties_of_spark_submit_win_over_the_config_and_those_over_defaults(cluster, tmp_path):
    mine = ("--conf", "spark.app.mine=submit", "--conf", "spark.sql.shuffle.partitions=5", "--conf", NO_EXECUTOR)
    found = probe(tmp_path, "--master", cluster.url, *mine)
    assert found["spark.master"] == cluster.url
    assert (found["spark.app.mine"], found["spark.app.ours"]) == ("submit", "config")
    assert found["spark.sql.execution.arrow.maxRecordsPerBatch"] == "7"
    assert found["spark.sql.execution.arrow.maxBytesPerBatch"] == str(16 * 2**20)
    assert found["joined"] == "5", "what spark-submit was given stays when a running session is joined"
    assert "spark.driver.bindAddress" not in found, "defaults for one machine are not for a cluster"
    assert found.get("spark.driver.memory") != "4g"


def test_a_master_in_the_config_is_no_local_one(cluster, tmp_path):
    found = probe(tmp_path, extra=repr({"spark.master": cluster.url, "spark.executor.memory": "9g"}))
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
