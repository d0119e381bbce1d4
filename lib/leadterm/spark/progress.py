"""A progress bar over the tasks of the Spark jobs that run in a block, with rate and remaining time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession
from tqdm import tqdm

POLL_SECONDS = 0.2


@contextmanager
def progress(session: SparkSession, description: str) -> Iterator[None]:
    """Show how many tasks of the block's Spark jobs are done; the cluster's pages show the description too."""
    context = session.sparkContext
    group = f"leadterm: {description}"
    context.setJobGroup(group, group)
    done = threading.Event()
    bar = tqdm(desc=description, unit=" tasks", total=0, dynamic_ncols=True, mininterval=POLL_SECONDS, leave=True)
    watcher = threading.Thread(target=_watch, args=(context.statusTracker(), group, bar, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        bar.close()
        context.setLocalProperty("spark.jobGroup.id", "")


def _watch(tracker: object, group: str, bar: "tqdm[None]", done: threading.Event) -> None:
    """Update the bar until the block is over."""
    stages: dict[int, tuple[int, int]] = {}
    while True:
        finished = done.wait(POLL_SECONDS)
        for job in tracker.getJobIdsForGroup(group):  # type: ignore[attr-defined]
            info = tracker.getJobInfo(job)  # type: ignore[attr-defined]
            for stage in info.stageIds if info else ():
                seen = tracker.getStageInfo(stage)  # type: ignore[attr-defined]
                if seen:
                    stages[stage] = (seen.numTasks, seen.numCompletedTasks)
        bar.total = sum(total for total, _ in stages.values())
        bar.n = sum(completed for _, completed in stages.values())
        bar.refresh()
        if finished:
            return
