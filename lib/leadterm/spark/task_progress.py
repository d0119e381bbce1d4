"""Shows how many tasks of the Spark jobs in a block are done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from py4j.protocol import Py4JError
from pyspark import StatusTracker
from pyspark.sql import SparkSession

from leadterm.spark.task_metrics import work_of
from leadterm.telemetry.progress import Done, open_display, repeatedly, titled
from leadterm.telemetry.stage_metrics import is_collected, note_work

POLL_SECONDS = 0.2
PROPERTIES = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
"""What a job group sets for the thread."""


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
    description, tracker = titled(description), session.sparkContext.statusTracker()
    with described(session, description) as group:
        display, is_whole = open_display(description, "tasks", stream), False
        try:
            with repeatedly(lambda: display.show(_count_if_spark_answers(tracker, group)), POLL_SECONDS):
                yield
            is_whole = True
        finally:
            tasks = _count_if_spark_answers(tracker, group)
            display.close(Done(tasks.total, tasks.total) if is_whole else tasks, is_whole=is_whole)


@contextmanager
def described(session: SparkSession, description: str) -> Iterator[str]:
    """Say what the block's Spark jobs do, where Spark shows them, and note what they took; gives their group."""
    context = session.sparkContext
    before = {name: context.getLocalProperty(name) for name in PROPERTIES}
    group = f"leadterm: {description} {time.monotonic_ns()}"  # Tasks of an earlier block do not count.
    context.setJobGroup(group, f"leadterm: {description}")
    try:
        yield group
        if is_collected() and (work := work_of(session, group)).get("tasks"):
            note_work(description, work)
    finally:
        with suppress(Py4JError, OSError):  # Java is gone; the block's own error says so.
            for name, value in before.items():
                context.setLocalProperty(name, value)  # type: ignore[arg-type]  # None takes it away


def _count_if_spark_answers(tracker: StatusTracker, group: str) -> Done:
    """Count the tasks of a group's jobs; none if Java is gone."""
    try:
        return count_tasks(tracker, group)
    except (Py4JError, OSError):
        return Done()


def count_tasks(tracker: StatusTracker, group: str) -> Done:
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
    return Done(done, total)
