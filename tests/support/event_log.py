"""Reads Spark's event logs, as the history server does."""

import json
from pathlib import Path


def jobs_of_event_logs(folder: Path) -> list[dict[str, str]]:
    """Give the properties of each job in the logs of a folder; each file of a log, and each log, is whole.

    Spark compresses none of them by default but where `spark.eventLog.compress` says so; here it is switched off.
    """
    jobs: list[dict[str, str]] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and "appstatus" not in path.name):
        events = [json.loads(line) for line in file.read_text().splitlines()]
        assert events[-1]["Event"] == "SparkListenerApplicationEnd", file
        jobs += [event["Properties"] for event in events if event["Event"] == "SparkListenerJobStart"]
    return jobs
