"""Lets a fault happen at a planned moment, once; Python reads this as it starts where the folder is on its path.

The plan names a point of the work, how often it was reached before, in all processes together, and what happens then.
"""

import gc
import json
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import psutil

from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.partial_sums_file import PartialsFile
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.encode_corpus.windows_writer import WindowsWriter
from leadterm.storage.formats.matrix_files import MatrixFile

PLAN = Path(os.environ["FAULTS"])
LONG = 90.0
"""Seconds: longer than any job of the tests should take."""


def reached(point: str) -> None:
    """Note that a point was reached, and act if it is the planned one."""
    try:
        plan = json.loads(PLAN.read_text())
    except FileNotFoundError:
        return
    if plan["point"] == point and next_number(Path(plan["signs"])) == plan["number"]:
        ACTIONS[plan["action"]](plan)


def next_number(folder: Path) -> int:
    """Count from 0 on, in all processes."""
    for number in count():
        try:
            (folder / str(number)).touch(exist_ok=False)
        except FileExistsError:
            continue
        return number
    raise AssertionError


def kill(name: str) -> None:
    """Kill the Java process of this name that this one descends from."""
    found = [one for one in psutil.Process().parents() if name in " ".join(one.cmdline())]
    found[0].send_signal(signal.SIGKILL)
    time.sleep(LONG)  # until Spark ends this process too


def fail(plan: dict[str, Any]) -> None:
    raise RuntimeError("failed by a test")


def hold(plan: dict[str, Any]) -> None:
    """Wait until the test has done its part."""
    signs = Path(plan["signs"])
    (signs / "held").touch()
    end = time.monotonic() + LONG
    while time.monotonic() < end and not (signs / "go on").exists():
        time.sleep(0.02)


ACTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "executor": lambda _: kill("CoarseGrainedExecutorBackend"),
    "worker": lambda _: kill("deploy.worker.Worker"),
    "python": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "fail": fail,
    "slow": lambda _: time.sleep(LONG),
    "limit": lambda plan: resource.setrlimit(resource.RLIMIT_FSIZE, (plan["number"] * 16, resource.RLIM_INFINITY)),
    "hold": hold,
    "replace": lambda plan: shutil.copy(plan["by"], plan["file"]),
}


def after(owner: type, name: str, point: str) -> None:
    """Make a method reach a point when it is done."""
    method = getattr(owner, name)

    def watched(*args: Any, **options: Any) -> Any:
        result = method(*args, **options)
        reached(point)
        return result

    setattr(owner, name, watched)


def encode_watched(self: Any, batches: Iterator[Any], encode: Any = WindowsWriter.__call__) -> Iterator[Any]:
    """Reach a point when something was read of the shuffle."""
    read = list(islice(batches, 1))
    reached("encode")
    yield from encode(self, chain(read, batches))


WindowsWriter.__call__ = encode_watched  # type: ignore[method-assign]
after(PartialsFile, "append", "count")  # in the middle of a file of partial sums
after(PartialsWriter, "write", "counted")  # which is whole now, and not reported
after(MatrixFile, "append", "merge")  # in the middle of a matrix file
after(MatrixWriter, "_write_block", "merged")  # which is whole now, and not reported
gc.freeze()  # Or Python would look for garbage in all that was imported after every task.
