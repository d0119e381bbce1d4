"""Breaks three tasks of a run, once each; Python reads this as it starts where the folder is on its path.

An executor is killed while it writes windows, so that the map output it holds is lost; a task that counts fails after
it handed over a part of its rows; a task that merges fails after it wrote a file. Each leaves an empty file as a sign.
"""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import psutil

from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.count_cooccurrences.task import WindowsCounter
from leadterm.pipeline.encode_corpus.windows_writer import WindowsWriter

DONE = Path(os.environ["FAULTS_DONE"])
Batches = Iterator[Any]


def first_time(fault: str) -> bool:
    """Say whether a fault has not happened yet in any process; from now on it has."""
    try:
        (DONE / fault).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def killed(work: Callable[[Any, Batches], Batches]) -> Callable[[Any, Batches], Batches]:
    """Kill the executor as soon as the task has read something of the shuffle."""

    def broken(self: Any, batches: Batches) -> Batches:
        read = list(islice(batches, 1))
        if read and first_time("killed"):
            (executor,) = (one for one in psutil.Process().parents() if "CoarseGrained" in " ".join(one.cmdline()))
            executor.send_signal(signal.SIGKILL)
        yield from work(self, chain(read, batches))

    return broken


def failing(work: Callable[[Any, Batches], Batches], fault: str) -> Callable[[Any, Batches], Batches]:
    """Fail after the task gave its first batch."""

    def broken(self: Any, batches: Batches) -> Batches:
        for batch in work(self, batches):
            yield batch
            if first_time(fault):
                raise RuntimeError(f"{fault} by a test")

    return broken


WindowsWriter.__call__ = killed(WindowsWriter.__call__)  # type: ignore[method-assign]
WindowsCounter.__call__ = failing(WindowsCounter.__call__, "count-failed")  # type: ignore[method-assign]
MatrixWriter.__call__ = failing(MatrixWriter.__call__, "merge-failed")  # type: ignore[method-assign]
gc.freeze()  # Or Python would look for garbage in all that was imported after every task.
