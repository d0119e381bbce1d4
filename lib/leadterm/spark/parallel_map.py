"""Runs a function for each of some items in parallel on the executors, one task for each."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import SparkSession

from leadterm.spark.task_progress import described
from leadterm.spark.translate_errors import readable_errors
from leadterm.telemetry.progress import titled

ITEMS = "task int, number int, item string"
RESULTS = "number int, result string"


@dataclass(frozen=True)
class Machine:
    """What a task may use.

    Attributes
    ----------
    threads
        Of a processor.
    gpu
        The number of the GPU that Spark gave the task, or None.
    """

    threads: int
    gpu: str | None


ItemFunction = Callable[[str, Machine], str]
"""From an item to its result, both as text; can be pickled."""


def parallel_map(
    session: SparkSession, items: Sequence[str], work: ItemFunction, at_once: int | None = None, *, description: str
) -> list[str]:
    """Do some work for each item, so many at once, by default all; give the results in the order of the items.

    Where there is room for all at once, each is a task of its own. A task uses the GPU that Spark gives it
    (``spark.task.resource.gpu.amount``). A Spark that runs locally divides its processors between the tasks; on a
    cluster a task has ``spark.task.cpus`` of them.
    """
    if not items:
        return []
    n_tasks = min(len(items), at_once or len(items))
    number = np.arange(len(items), dtype=np.int32)
    table = pa.table({"task": number % n_tasks, "number": number, "item": pa.array(items, pa.string())})
    assigned = session.createDataFrame(table, ITEMS).repartitionById(n_tasks, "task")
    with readable_errors(), described(session, titled(description)):
        found = assigned.mapInArrow(_Task(work, _threads(session, n_tasks)), RESULTS).toArrow()
    results: list[str] = found.sort_by("number")["result"].to_pylist()
    return results


def is_local(session: SparkSession) -> bool:
    """Say whether all tasks run in this machine's driver."""
    return re.fullmatch(r"local(\[.*\])?", str(session.sparkContext.master)) is not None


def _threads(session: SparkSession, n_tasks: int) -> int:
    """Say how many threads a task should use."""
    context = session.sparkContext
    reserved = int(context.getConf().get("spark.task.cpus", "1") or 1)
    if not is_local(session):
        return reserved
    return max(reserved, context.defaultParallelism // n_tasks)


@dataclass(frozen=True)
class _Task:
    """Does the work for the items that it was assigned; travels to the executors."""

    work: ItemFunction
    threads: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Do it, one item after the other."""
        context = TaskContext.get()
        gpu = context.resources().get("gpu") if context else None
        machine = Machine(self.threads, gpu.addresses[0] if gpu else None)
        for batch in batches:
            results = [self.work(item, machine) for item in batch["item"].to_pylist()]
            yield pa.RecordBatch.from_pydict({"number": batch["number"], "result": pa.array(results, pa.string())})
