"""The memory of a process and of all that it started, sampled while a block runs."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

OWN = "workers' own"
"""The kind of memory of executors' Python processes that maps no file: what a cluster holds against its limit."""
INTERVAL = 0.1
"""Seconds between two samples; a sample takes some milliseconds."""


class Peaks:
    """The largest resident memory seen: bytes of all processes at once, and of each kind by itself.

    Resident memory counts a page that processes share (the code of numpy, say) once for each, so sums are upper bounds.
    Pages of files that are mapped (code, and the scores of attention) are told apart for the workers.
    """

    def __init__(self) -> None:
        self.total = 0
        self.by_kind: Counter[str] = Counter()
        self.own = 0
        self.history: list[tuple[float, int]] = []
        """When (seconds since 1970) all processes held how much."""

    def sample(self) -> None:
        """Look at all processes now."""
        now: Counter[str] = Counter()
        own = 0
        driver = psutil.Process(os.getpid())
        for process in [driver, *driver.children(recursive=True)]:
            try:
                kind, memory = _kind(process, driver), process.memory_info()
            except psutil.Error:  # it has just ended
                continue
            now[kind] += memory.rss
            own += memory.rss - memory.shared if kind == "workers" else 0
        self.own = max(self.own, own)
        self.total = max(self.total, now.total())
        self.history.append((time.time(), now.total()))
        self.by_kind |= now  # the larger of each

    def as_dict(self) -> dict[str, int]:
        """Give all peaks in bytes, the total first."""
        return {"total": self.total, **self.by_kind, OWN: self.own}


def peak_between(history: Sequence[tuple[float, int]], began: float, ended: float) -> int:
    """Find the largest total that was seen in a span of time, or just before or after a short one."""
    return max((total for when, total in history if began - INTERVAL <= when <= ended + INTERVAL), default=0)


@contextmanager
def sampled_memory() -> Iterator[Peaks]:
    """Sample the memory of this process tree until the block ends."""
    peaks, done = Peaks(), threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL):
            peaks.sample()

    peaks.sample()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        done.set()
        watcher.join()
        peaks.sample()


def _kind(process: psutil.Process, driver: psutil.Process) -> str:
    """Name the part that a process plays in a Spark job."""
    if process.pid == driver.pid:
        return "driver"
    return "jvm" if "java" in process.name() else "workers"
