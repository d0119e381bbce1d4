"""Deals work out to tasks: row groups of windows, which are read in units that fit the memory, and blocks of rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from leadterm.errors import RunError
from leadterm.store import Location, Manifest
from leadterm.store.windows import open_windows, read_row_groups

UNITS = "task int, file string, row_group int, tokens long"
"""Which row groups of the windows each task counts."""
BLOCKS = "task int, statistic int, block int"
"""Which blocks of rows each task merges."""
PLACES = "task int, place string"
"""Which files each task reads."""
RowGroup = tuple[str, int, int]
"""File name, row group and number of tokens."""


def deal_out(session: SparkSession, windows: Manifest, n_tasks: int) -> DataFrame:
    """Give every task row groups of the windows with about as many tokens as every other."""
    groups = [
        (entry.name, group, tokens)
        for entry in windows.files
        for group, tokens in enumerate(entry.details.get("row_group_tokens", ()))
    ]
    n_tasks = min(n_tasks, len(groups))
    tokens = np.array([tokens for *_, tokens in groups], dtype=np.int64)
    middle = np.cumsum(tokens) - tokens / 2
    task = np.minimum(middle * n_tasks // tokens.sum(), n_tasks - 1).astype(np.int32)
    names, numbers, _ = zip(*groups, strict=True)
    table = pa.table(
        {"task": task, "file": pa.array(names), "row_group": pa.array(numbers, pa.int32()), "tokens": tokens}
    )
    return session.createDataFrame(table, UNITS).repartitionById(n_tasks, "task")


def deal_blocks(session: SparkSession, blocks: Sequence[tuple[int, int]], n_tasks: int) -> DataFrame:
    """Give every task as many blocks (statistic, block) as every other, in turn: frequent tokens lie together."""
    n_tasks = min(n_tasks, len(blocks))
    table = pa.table(
        {
            "task": np.arange(len(blocks), dtype=np.int32) % n_tasks,
            "statistic": pa.array([statistic for statistic, _ in blocks], pa.int32()),
            "block": pa.array([block for _, block in blocks], pa.int32()),
        }
    )
    return session.createDataFrame(table, BLOCKS).repartitionById(n_tasks, "task")


def deal_places(session: SparkSession, places: Sequence[str], per_task: int) -> DataFrame:
    """Give every task so many files, the last one what is left."""
    task = np.arange(len(places), dtype=np.int32) // per_task
    table = pa.table({"task": task, "place": pa.array(places, pa.string())})
    return session.createDataFrame(table, PLACES).repartitionById(int(task[-1]) + 1, "task")


def number_of_tasks(session: SparkSession, windows: Manifest, unit_tokens: int) -> int:
    """Say how many tasks count: what the cluster runs at once, as many times as memory asks for."""
    n_tokens, at_once = windows.counts["positions"] + windows.counts["windows"], session.sparkContext.defaultParallelism
    rounds = -(-n_tokens // (unit_tokens * at_once))
    return int(at_once * max(1, rounds))


def read_units(folder: str, batches: Iterator[pa.RecordBatch], unit_tokens: int) -> Iterator[tuple[Any, Any]]:
    """Read what a task was dealt, as many row groups at once as make so many tokens.

    Yields
    ------
    tokens, offsets
        int32 and int64: the windows of a unit end to end, and where each begins and the last one ends.

    Raises
    ------
    RunError
        Names the file that is damaged or missing.
    """
    windows = Location.of(folder)
    for unit in _fill_units(batches, unit_tokens):
        yield _read_unit(windows, unit)


def _fill_units(batches: Iterator[pa.RecordBatch], unit_tokens: int) -> Iterator[list[RowGroup]]:
    """Divide a task's row groups into units of at most so many tokens; a larger group is a unit of its own."""
    groups = sorted((row["file"], row["row_group"], row["tokens"]) for batch in batches for row in batch.to_pylist())
    unit: list[RowGroup] = []
    filled = 0
    for group in groups:
        if unit and filled + group[2] > unit_tokens:
            yield unit
            unit, filled = [], 0
        unit.append(group)
        filled += group[2]
    if unit:
        yield unit


def _read_unit(folder: Location, unit: list[RowGroup]) -> tuple[Any, Any]:
    """Read the row groups of a unit end to end.

    Raises
    ------
    RunError
        Names the file that is damaged or missing.
    """
    with _naming_damage(f"{folder}/{unit[0][0]}"):
        return read_row_groups(folder, unit)


def read_file(folder: str, name: str, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Give the row groups of a file of windows as tables, one at a time.

    Raises
    ------
    RunError
        The file is damaged or missing.
    """
    place = Location.of(folder) / name
    with _naming_damage(place), open_windows(place) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=columns)


@contextmanager
def _naming_damage(place: Location | str) -> Iterator[None]:
    """Say which file of windows could not be read.

    Raises
    ------
    RunError
        Names it.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{place} is damaged or missing: {error}; encode again") from error
