"""Deals work out to tasks: row groups of windows, which are read in units that fit the memory, and blocks of rows."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from leadterm.pipeline.aggregation.coverage import Cover
from leadterm.spark.task_progress import progress
from leadterm.spark.translate_errors import readable_errors
from leadterm.storage import Manifest
from leadterm.storage.formats.windows_files import WindowsFiles

FEW_BYTES = 2**20
"""Of rows that all tasks are given: what Spark sends along with the work, before it makes a broadcast of it."""
Work = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""What a task does with the rows that it was dealt; travels to the executors."""


class RowGroup(NamedTuple):
    """A row group of the windows: its number among all of them, its file, its number there, and its tokens."""

    number: int
    file: str
    row_group: int
    tokens: int


Unit = Sequence[RowGroup]
"""Row groups that are read and counted together."""


def row_groups(windows: Manifest) -> list[RowGroup]:
    """List the row groups of the windows."""
    groups = (
        (entry.name, group, tokens)
        for entry in windows.files
        for group, tokens in enumerate(entry.details.get("row_group_tokens", ()))
    )
    return [RowGroup(number, *group) for number, group in enumerate(groups)]


def run_tasks(
    session: SparkSession, description: str, dealt: Sequence[pa.RecordBatch], work: Work, reports: pa.Schema
) -> pa.Table:
    """Run a task for each batch of rows; give what all tasks report, in the order of the batches."""
    with progress(session, description), readable_errors():
        found: pa.Table = spread(session, dealt, work, reports).toArrow()
    return found.cast(reports)


def spread(session: SparkSession, dealt: Sequence[pa.RecordBatch], work: Work, made: pa.Schema) -> DataFrame:
    """Describe what tasks make, one for each batch of rows.

    A few rows travel with the work, and a task takes its own by its number; many are shuffled to the tasks, which takes
    0.1 s more.
    """
    schema = from_arrow_schema(made)
    if sum(batch.nbytes for batch in dealt) <= FEW_BYTES:
        return session.range(0, len(dealt), 1, len(dealt)).mapInArrow(partial(_with_rows, dealt, work), schema)
    return _shuffled(session, dealt).mapInArrow(work, schema)


def _with_rows(
    dealt: Sequence[pa.RecordBatch], work: Work, numbers: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Do the work of the tasks with these numbers."""
    return work(dealt[number] for batch in numbers for number in batch.column(0).to_pylist())


def _shuffled(session: SparkSession, dealt: Sequence[pa.RecordBatch]) -> DataFrame:
    """Send each task its rows, in a partition of its own."""
    number = np.repeat(np.arange(len(dealt), dtype=np.int32), [len(batch) for batch in dealt])
    rows = pa.Table.from_batches(dealt).append_column("task", pa.array(number))
    return session.createDataFrame(rows).repartitionById(len(dealt), "task")


def deal(rows: pa.RecordBatch, task: NDArray[np.int64]) -> list[pa.RecordBatch]:
    """Divide rows among tasks, by the number of the task that each is for; a task without rows is left out."""
    order = np.argsort(task, kind="stable")
    bounds = np.flatnonzero(np.diff(task[order])) + 1
    return [rows.take(pa.array(chosen)) for chosen in np.split(order, bounds)]


def deal_out(groups: Sequence[RowGroup], n_tasks: int) -> list[pa.RecordBatch]:
    """Give every task row groups with about as many tokens as every other."""
    n_tasks = min(n_tasks, len(groups))
    columns = dict(zip(RowGroup._fields, zip(*groups, strict=True), strict=True))
    sizes = np.array(columns["tokens"], dtype=np.int64)
    middle = np.cumsum(sizes) - sizes / 2
    task = np.minimum(middle * n_tasks // sizes.sum(), n_tasks - 1)
    return deal(pa.RecordBatch.from_pydict(columns), task.astype(np.int64))


def deal_blocks(blocks: Sequence[tuple[int, int]], n_tasks: int) -> list[pa.RecordBatch]:
    """Give every task as many blocks (statistic, block) as every other, in turn: frequent tokens lie together."""
    statistics, numbers = zip(*blocks, strict=True)
    rows = pa.RecordBatch.from_pydict({"statistic": statistics, "block": numbers})
    return deal(rows, np.arange(len(blocks)) % n_tasks)


def deal_places(places: Sequence[str], per_task: int) -> list[pa.RecordBatch]:
    """Give every task so many files, the last one what is left."""
    return deal(pa.RecordBatch.from_pydict({"place": places}), np.arange(len(places)) // per_task)


def number_of_tasks(session: SparkSession, n_tokens: int, unit_tokens: int) -> int:
    """Say how many tasks count: what the cluster runs at once, as many times as memory asks for."""
    at_once = session.sparkContext.defaultParallelism
    rounds = -(-n_tokens // (unit_tokens * at_once))
    return int(at_once * max(1, rounds))


def fill_units(batches: Iterator[pa.RecordBatch], unit_tokens: int) -> Iterator[Unit]:
    """Divide what a task was dealt into units of at most so many tokens; a larger group is a unit of its own."""
    rows = (row for batch in batches for row in batch.to_pylist())
    unit: list[RowGroup] = []
    filled = 0
    for group in sorted(RowGroup(*(row[name] for name in RowGroup._fields)) for row in rows):
        if unit and filled + group.tokens > unit_tokens:
            yield unit
            unit, filled = [], 0
        unit.append(group)
        filled += group.tokens
    if unit:
        yield unit


def cover_of(unit: Unit) -> Cover:
    """Say which row groups a unit is made of."""
    return Cover.of(group.number for group in unit)


def read_unit(windows: WindowsFiles, unit: Unit) -> tuple[Any, Any]:
    """Read the row groups of a unit.

    Returns
    -------
    tokens, offsets
        int32 and int64: the windows of the unit end to end, and where each begins and the last one ends.

    Raises
    ------
    RunError
        Names the file that is damaged or missing.
    """
    return windows.read_row_groups([(group.file, group.row_group, group.tokens) for group in unit])
