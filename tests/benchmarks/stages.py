"""The stages of a Spark job, from Spark's event log."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

EVENTS = "events"
"""The folder of logs, beside those of the contenders."""
PROPERTIES: dict[str, object] = {
    "spark.eventLog.enabled": True,
    "spark.eventLog.rolling.enabled": False,
    "spark.eventLog.compress": False,
}
"""Of each Spark that is measured."""
METRICS = {
    "task_seconds": ("internal.metrics.executorRunTime", 1e-3),
    "gc_seconds": ("internal.metrics.jvmGCTime", 1e-3),
}
"""What is kept of a stage: the name of Spark's accumulator and its unit."""


def logged_session(work: Path, cores: int | None = None) -> tuple[Any, Callable[[], None]]:
    """Start Spark on some cores, or all, with a log of its stages in the folder in which contenders work.

    One that runs already, as with ``--one-process``, is joined, unless a number of cores is asked for: then it ends.

    Returns
    -------
    tuple
        The session, and what to do before its log is read.
    """
    from pyspark.sql import SparkSession  # noqa: PLC0415  # only processes that measure start Spark

    from leadterm.spark.session import start_session  # noqa: PLC0415

    running = SparkSession.getActiveSession()
    if running is not None:
        if cores is None:
            return running, partial(_write_events, running)
        running.stop()
    shutil.rmtree(work / EVENTS, ignore_errors=True)
    (work / EVENTS).mkdir(parents=True)
    properties = {**PROPERTIES, "spark.eventLog.dir": (work / EVENTS).resolve().as_uri()}
    if cores is not None:
        properties["spark.master"] = f"local[{cores}]"
    session = start_session("leadterm benchmark", properties)
    return session, session.stop


def _write_events(session: Any) -> None:
    """Wait until the log of a session that goes on has all that happened."""
    session.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()


def read_stages(folder: Path, began: float, ended: float) -> list[dict[str, Any]]:
    """List the stages that were submitted in a span of time (seconds since 1970), in order of submission."""
    if not folder.is_dir():
        return []
    found = []
    for log in folder.iterdir():
        for line in log.read_text(encoding="utf-8").splitlines() if not log.name.startswith(".") else ():
            event = json.loads(line)
            if event["Event"] == "SparkListenerStageCompleted":
                info = event["Stage Info"]
                if began <= info.get("Submission Time", 0) / 1e3 <= ended:
                    found.append(_stage(info))
    return sorted(found, key=lambda stage: stage["submitted"])


def _stage(info: dict[str, Any]) -> dict[str, Any]:
    """Keep what a report shows of a stage."""
    sums: dict[str, float] = {}
    for accumulated in info["Accumulables"]:
        value = str(accumulated.get("Value", ""))
        if value.isdigit():
            sums[accumulated["Name"]] = sums.get(accumulated["Name"], 0) + int(value)
    return {
        "submitted": info["Submission Time"] / 1e3,
        "wall_seconds": (info["Completion Time"] - info["Submission Time"]) / 1e3,
        "tasks": info["Number of Tasks"],
        **{key: sums.get(name, 0) * unit for key, (name, unit) in METRICS.items()},
    }
