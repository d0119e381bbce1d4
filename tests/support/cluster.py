"""A real Spark cluster on this machine: a master and workers of one core, each a process of its own."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.commands import BIN, environment

DEPLOY = "org.apache.spark.deploy"


@dataclass
class Cluster:
    """A running cluster.

    Attributes
    ----------
    url
        Of its master.
    """

    url: str
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)


@contextmanager
def running_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a cluster for a block; its logs and its work lie in a folder."""
    cluster = Cluster("")
    try:
        log = _start(cluster, folder, "master", f"{DEPLOY}.master.Master", "--port", "0", "--webui-port", "0")
        cluster.url = _wait_for(log, r"Starting Spark master at (spark://\S+)")
        for number in range(workers):
            options = ("--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", str(folder / "work"))
            log = _start(cluster, folder, f"worker-{number}", f"{DEPLOY}.worker.Worker", *options, cluster.url)
            _wait_for(log, r"Successfully registered with (master)")
        yield cluster
    finally:
        for process in reversed(cluster.processes):
            process.terminate()
        for process in cluster.processes:
            process.wait(timeout=60)


def _start(cluster: Cluster, folder: Path, name: str, *words: str) -> Path:
    """Start a part of the cluster; returns its log."""
    path = folder / f"{name}.log"
    settings = {"SPARK_LOG_DIR": str(folder), "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_DIRS": str(folder)}
    settings["SPARK_DAEMON_JAVA_OPTS"] = os.environ.get("SPARK_SUBMIT_OPTS", "")
    with path.open("wb") as log:
        command = [str(BIN / "spark-class"), words[0], "--host", "127.0.0.1", *words[1:]]
        cluster.processes.append(
            subprocess.Popen(command, env=environment(**settings), stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        )
    return path


def _wait_for(log: Path, pattern: str, seconds: float = 120) -> str:
    """Wait for a line of a log; returns the group that it matches."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise TimeoutError(f"{pattern!r} did not appear in {log}:\n{log.read_text(errors='replace')[-2000:]}")
