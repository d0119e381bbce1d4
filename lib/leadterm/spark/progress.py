"""Shows how many tasks of the Spark jobs in a block are done: a bar in a terminal, a line now and then in a log."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TextIO

from pyspark import StatusTracker
from pyspark.sql import SparkSession
from tqdm import tqdm

POLL_SECONDS = 0.2
LINE_SECONDS = 10.0
"""How often a log gets a line."""
BAR = (
    "{desc} {percentage:3.0f} % |{bar}| {n_fmt}/{total_fmt} tasks, {rate_noinv_fmt}, {elapsed} passed, {remaining} left"
)
PROPERTIES = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
"""What a job group sets for the thread."""


@dataclass(frozen=True)
class Tasks:
    """How many tasks are done, of how many that are known so far."""

    done: int = 0
    total: int = 0


class Display(Protocol):
    """Where progress is shown."""

    def show(self, tasks: Tasks) -> None:
        """Show the state of things, which may be as it was."""

    def close(self, tasks: Tasks, *, is_whole: bool) -> None:
        """Show the last state; ``is_whole`` if the block came to its end."""


class Bar:
    """A bar that is drawn over and over, in a terminal."""

    def __init__(self, description: str, stream: TextIO) -> None:
        self._bar = tqdm(
            desc=description, total=0, file=stream, unit=" tasks", bar_format=BAR, dynamic_ncols=True, smoothing=0
        )

    def show(self, tasks: Tasks) -> None:
        """Draw the bar again."""
        self._bar.n, self._bar.total = tasks.done, tasks.total
        self._bar.refresh()

    def close(self, tasks: Tasks, *, is_whole: bool) -> None:
        """Leave the bar as it is last."""
        self.show(tasks)
        self._bar.close()


class Lines:
    """A line every 10 seconds and one at the end, for a log."""

    def __init__(self, description: str, stream: TextIO) -> None:
        self._description, self._stream = description, stream
        self._started = self._written = time.monotonic()

    def show(self, tasks: Tasks) -> None:
        """Write a line, if the last one is old."""
        now = time.monotonic()
        if now - self._written < LINE_SECONDS or not tasks.total:
            return
        self._written, passed = now, now - self._started
        left = tqdm.format_interval(passed * (tasks.total - tasks.done) / tasks.done) if tasks.done else "?"
        self._write(
            f"{tasks.done} of {tasks.total} tasks ({100 * tasks.done // tasks.total} %), "
            f"{tasks.done / passed:.2f} tasks/s, {tqdm.format_interval(passed)} passed, {left} left"
        )

    def close(self, tasks: Tasks, *, is_whole: bool) -> None:
        """Write the last line; nothing if the block raised, as the error says more."""
        if is_whole:
            self._write(f"{tasks.total} tasks in {tqdm.format_interval(time.monotonic() - self._started)}")

    def _write(self, text: str) -> None:
        """Write one line."""
        print(f"{self._description}: {text}", file=self._stream, flush=True)


@contextmanager
def progress(session: SparkSession, description: str, stream: TextIO | None = None) -> Iterator[None]:
    """Show how many tasks of the block's Spark jobs are done; the cluster's pages show the description too.

    Parameters
    ----------
    session
        Spark.
    description
        What the jobs do.
    stream
        Where to; standard error by default.
    """
    context = session.sparkContext
    before = {name: context.getLocalProperty(name) for name in PROPERTIES}
    group = f"leadterm: {description} {time.monotonic_ns()}"  # Tasks of an earlier block do not count.
    context.setJobGroup(group, f"leadterm: {description}")
    stream = stream or sys.stderr
    display: Display = Bar(description, stream) if stream.isatty() else Lines(description, stream)
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(context.statusTracker(), group, display, over), daemon=True)
    watcher.start()
    is_whole = False
    try:
        yield
        is_whole = True
    finally:
        over.set()
        watcher.join()
        tasks = count_tasks(context.statusTracker(), group)
        display.close(Tasks(tasks.total, tasks.total) if is_whole else tasks, is_whole=is_whole)
        for name, value in before.items():
            context.setLocalProperty(name, value)  # type: ignore[arg-type]  # None takes it away


def _watch(tracker: StatusTracker, group: str, display: Display, over: threading.Event) -> None:
    """Update the display until the block is over."""
    while not over.wait(POLL_SECONDS):
        display.show(count_tasks(tracker, group))


def count_tasks(tracker: StatusTracker, group: str) -> Tasks:
    """Count the tasks of a group's jobs.

    Spark lists stages whose shuffle files it has already, and never runs them. Stages of a job start in the order of
    their numbers; so one that did nothing while a later one did is left out.
    """
    done = total = 0
    for job in tracker.getJobIdsForGroup(group):
        info = tracker.getJobInfo(job)
        stages = [tracker.getStageInfo(stage) for stage in sorted(info.stageIds)] if info else []
        later_began = info is not None and info.status == "SUCCEEDED"
        for stage in reversed([stage for stage in stages if stage]):
            began = stage.numActiveTasks + stage.numCompletedTasks + stage.numFailedTasks > 0
            if began or not later_began:
                done, total = done + min(stage.numCompletedTasks, stage.numTasks), total + stage.numTasks
            later_began |= began
    return Tasks(done, total)
