"""What Spark measured of the jobs of a group: tasks, tries that failed, time, bytes and memory."""

from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from leadterm.telemetry.stage_metrics import StageMetrics

PEAKS = {"peak_heap_bytes": "JVMHeapMemory", "peak_python_bytes": "ProcessTreePythonRSSMemory"}
"""Spark's names of what it measures at each heartbeat of an executor; the second where
``spark.executor.processTreeMetrics.enabled`` is set."""


def work_of(session: SparkSession, group: str) -> StageMetrics:
    """Add up what Spark's own store says of a group's jobs, which is what its pages show; empty if it does not answer.

    Parameters
    ----------
    session
        Spark.
    group
        Of the jobs, which are over.
    """
    try:
        store: Any = session.sparkContext._jsc.sc().statusStore()
        stages = list(_stages(session, store, group))
        return {**_sums(stages), **_peaks(store)}
    except Py4JError:  # The store belongs to Spark's inside: what it does not tell is not known.
        return {}


def _stages(session: SparkSession, store: Any, group: str) -> Iterator[Any]:
    """Give the last try of each stage that ran."""
    tracker = session.sparkContext.statusTracker()
    jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
    for number in sorted({number for job in jobs if job for number in job.stageIds}):
        if tracker.getStageInfo(number) is not None:
            stage = store.lastStageAttempt(number)
            if stage.status().toString() != "SKIPPED":
                yield stage


def _sums(stages: list[Any]) -> StageMetrics:
    """Add stages up."""
    return {
        "tasks": sum(stage.numTasks() for stage in stages),
        "failed_tasks": sum(stage.numFailedTasks() for stage in stages),
        "killed_tasks": sum(stage.numKilledTasks() for stage in stages),
        "stage_retries": sum(stage.attemptId() for stage in stages),
        "task_seconds": sum(stage.executorRunTime() for stage in stages) / 1000,
        "shuffle_bytes": sum(stage.shuffleWriteBytes() for stage in stages),
        "spilled_bytes": sum(stage.diskBytesSpilled() for stage in stages),
    }


def _peaks(store: Any) -> StageMetrics:
    """Find the most memory that any executor had until now."""
    executors = store.executorList(False)
    measured = [executors.apply(number).peakMemoryMetrics() for number in range(executors.size())]
    peaks = {
        name: max((one.get().getMetricValue(metric) for one in measured if one.isDefined()), default=0)
        for name, metric in PEAKS.items()
    }
    return {name: peak for name, peak in peaks.items() if peak > 0}
