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
    folder
        Where its logs and its work lie.
    changes
        To the environment of its processes.
    url
        Of its master.
    """

    folder: Path
    changes: dict[str, str] = field(default_factory=dict)
    url: str = ""
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start_worker(self) -> None:
        """Add a worker of one core. Each has an address of its own, as machines have."""
        number = sum(1 for _ in self.folder.glob("worker-*.log"))
        options = ("--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", str(self.folder / "work"))
        log = self.start(f"worker-{number}", "worker.Worker", f"127.0.0.{number % 200 + 1}", *options, self.url)
        _wait_for(log, r"Successfully registered with (master)")

    def start(self, name: str, part: str, host: str, *words: str) -> Path:
        """Start a part of the cluster; returns its log."""
        path = self.folder / f"{name}.log"
        settings = {"SPARK_LOG_DIR": str(self.folder), "SPARK_DAEMON_MEMORY": "256m"}
        settings |= {"SPARK_LOCAL_DIRS": str(self.folder), "SPARK_LOCAL_IP": host}
        settings["SPARK_DAEMON_JAVA_OPTS"] = os.environ.get("SPARK_SUBMIT_OPTS", "")
        command = [str(BIN / "spark-class"), f"{DEPLOY}.{part}", "--host", host, *words]
        with path.open("wb") as log:
            streams = {"stdout": log, "stderr": subprocess.STDOUT}
            self.processes.append(
                subprocess.Popen(command, env=environment(**settings, **self.changes), cwd=self.folder, **streams)  # type: ignore[call-overload]
            )
        return path


@contextmanager
def running_cluster(folder: Path, workers: int = 2, **changes: str) -> Iterator[Cluster]:
    """Start a cluster for a block; its logs and its work lie in a folder."""
    cluster = Cluster(folder, changes)
    try:
        log = cluster.start("master", "master.Master", "127.0.0.1", "--port", "0", "--webui-port", "0")
        cluster.url = _wait_for(log, r"Starting Spark master at (spark://\S+)")
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        for process in reversed(cluster.processes):
            process.terminate()
        for process in cluster.processes:
            process.wait(timeout=60)


def _wait_for(log: Path, pattern: str, seconds: float = 120) -> str:
    """Wait for a line of a log; returns the group that it matches."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise TimeoutError(f"{pattern!r} did not appear in {log}:\n{log.read_text(errors='replace')[-2000:]}")
