"""Runs the commands as a user does: in processes of their own, from another working folder."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from leadterm.errors import MachineError
from leadterm.spark.java import find_java
from leadterm.storage import Location, read_manifest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, with this Python and its Spark first, and a Java if there is one."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    ours = {"PATH": path, "PYTHONPATH": str(ROOT / "lib"), "SPARK_LOCAL_IP": "127.0.0.1"}
    with suppress(MachineError):  # What starts no Spark runs without.
        ours["JAVA_HOME"] = str(find_java())
    return os.environ | ours | {"PYSPARK_PYTHON": sys.executable} | changes


def call(command: Sequence[str | Path], folder: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Run a command from a folder."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def leadterm(arguments: Sequence[str | Path], folder: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line."""
    return call([BIN / "leadterm", *arguments], folder, **changes)


def submit(
    job: str, arguments: Sequence[str | Path], folder: Path, master: str, *options: str
) -> "subprocess.CompletedProcess[str]":
    """Submit a job to Spark, which writes all that the job's Python writes to standard output."""
    script = ROOT / "jobs" / f"{job}.py"
    return call([BIN / "spark-submit", "--master", master, *options, script, *arguments], folder)


def write_config(path: Path, source: str, **sections: Any) -> Path:
    """Write a small configuration."""
    settings = {
        "corpus": {"paths": [source]},
        "tokenizer": {"kind": "words", "vocabulary_size": 50, "unknown": "replace"},
        "windows": {"length": 8, "files": 3},
        "counting": {"memory_per_task": "64MiB", "rows_per_file": 8},
        "associations": {"tokens": ["cat"], "k": 2},
        "spark": {"spark.driver.memory": "1g", "spark.sql.shuffle.partitions": 3},
    }
    path.write_text(yaml.safe_dump(settings | sections))
    return path


def content_hashes(run: Path) -> dict[str, str]:
    """The content hash of each product of a run."""
    products = sorted(path.parent.name for path in run.glob("*/manifest.json"))
    return {product: read_manifest(Location.of(run), product).content_hash for product in products}
