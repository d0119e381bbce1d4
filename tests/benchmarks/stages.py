"""The stages of a Spark job, from Spark's event log."""

import json
import shutil
from pathlib import Path
from typing import Any

EVENTS = "events"
"""The log's folder, in that of a contender."""
METRICS = {
    "task_seconds": ("internal.metrics.executorRunTime", 1e-3),
    "gc_seconds": ("internal.metrics.jvmGCTime", 1e-3),
}
"""What is kept of a stage: the name of Spark's accumulator and its unit."""


def logged_session(output: Path, cores: int | None = None) -> Any:
    """Start Spark on some cores, or all, with a log of its stages in a contender's folder."""
    from leadterm.spark.session import start_session  # noqa: PLC0415  # only processes that measure start Spark

    shutil.rmtree(output / EVENTS, ignore_errors=True)
    (output / EVENTS).mkdir(parents=True)
    properties: dict[str, object] = {
        "spark.eventLog.enabled": True,
        "spark.eventLog.dir": (output / EVENTS).resolve().as_uri(),
        "spark.eventLog.rolling.enabled": False,
        "spark.eventLog.compress": False,
    }
    if cores is not None:
        properties["spark.master"] = f"local[{cores}]"
    return start_session("leadterm benchmark", properties)


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
