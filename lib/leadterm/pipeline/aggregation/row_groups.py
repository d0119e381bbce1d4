"""Assigns windows and blocks of rows to tasks: row groups are read in units that fit the memory of a task."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from leadterm.pipeline.aggregation.coverage import Cover
from leadterm.spark.tasks import assign
from leadterm.storage import Manifest
from leadterm.storage.formats.windows_files import WindowsFiles


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


def assign_row_groups(groups: Sequence[RowGroup], n_tasks: int) -> list[pa.RecordBatch]:
    """Give every task row groups with about as many tokens as every other."""
    n_tasks = min(n_tasks, len(groups))
    columns = dict(zip(RowGroup._fields, zip(*groups, strict=True), strict=True))
    sizes = np.array(columns["tokens"], dtype=np.int64)
    middle = np.cumsum(sizes) - sizes / 2
    task = np.minimum(middle * n_tasks // sizes.sum(), n_tasks - 1)
    return assign(pa.RecordBatch.from_pydict(columns), task.astype(np.int64))


def assign_blocks(blocks: Sequence[tuple[int, int]], n_tasks: int) -> list[pa.RecordBatch]:
    """Give every task as many blocks (statistic, block) as every other, in turn: frequent tokens lie together."""
    statistics, numbers = zip(*blocks, strict=True)
    rows = pa.RecordBatch.from_pydict({"statistic": statistics, "block": numbers})
    return assign(rows, np.arange(len(blocks)) % n_tasks)


def number_of_tasks(session: SparkSession, n_tokens: int, unit_tokens: int) -> int:
    """Say how many tasks count: what the cluster runs at once, as many times as memory asks for."""
    at_once = session.sparkContext.defaultParallelism
    rounds = -(-n_tokens // (unit_tokens * at_once))
    return int(at_once * max(1, rounds))


def fill_units(batches: Iterator[pa.RecordBatch], unit_tokens: int) -> Iterator[Unit]:
    """Divide what a task was assigned into units of at most this many tokens; a larger group is a unit of its own."""
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
