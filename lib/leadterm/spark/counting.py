"""What the counting job does inside an executor before the shuffle: windows to sparse rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm.counting import SparseRows, Statistic, TaskMemory, count_unit, reciprocal_weights, row_key
from leadterm.errors import RunError
from leadterm.store.location import Location
from leadterm.store.windows import read_row_groups

UNITS = "task int, file string, row_group int, tokens long"
"""Which row groups of the windows each task counts."""
RowGroup = tuple[str, int, int]
"""File name, row group and number of tokens."""
ROWS = "part int, key long, columns binary, values binary"
"""Sparse rows in the shuffle: two flat binaries a row cross between Python and the JVM three times as fast as lists."""


@dataclass(frozen=True)
class WindowsCounter:
    """Counts the windows of a task; travels to the executors.

    Attributes
    ----------
    folder
        URL of the ``windows`` product.
    vocabulary_size
        V.
    length, scale_bits
        T, and the fixed point of the weights.
    memory
        What may be held at once.
    rows_per_file, parts
        Rows of a block, and among how many tasks the blocks are dealt out.
    """

    folder: str
    vocabulary_size: int
    length: int
    scale_bits: int
    memory: TaskMemory
    rows_per_file: int
    parts: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows, into sparse rows."""
        weights = reciprocal_weights(self.length, self.scale_bits)
        for unit in fill_units(batches, self.memory.unit_tokens):
            tokens, offsets = read_unit(Location.of(self.folder), unit)
            counted = count_unit(tokens, offsets, self.vocabulary_size, weights, self.memory.batch_entries)
            for statistic, rows in counted:
                if len(rows):
                    yield rows_batch(statistic, rows, self.rows_per_file, self.parts)


def fill_units(batches: Iterator[pa.RecordBatch], unit_tokens: int) -> Iterator[list[RowGroup]]:
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


def read_unit(folder: Location, unit: list[RowGroup]) -> tuple[Any, Any]:
    """Read the row groups of a unit end to end: tokens int32, and offsets int64 of its windows.

    Raises
    ------
    RunError
        Names the file that is damaged or missing.
    """
    try:
        return read_row_groups(folder, unit)
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{folder}/{unit[0][0]} is damaged or missing: {error}; encode again") from error


def rows_batch(statistic: Statistic, rows: SparseRows, rows_per_file: int, parts: int) -> pa.RecordBatch:
    """Lay sparse rows out for the shuffle: each block of rows goes to one part."""
    part = (rows.keys // rows_per_file % parts).astype(np.int32)
    columns = [
        pa.array(part),
        pa.array(row_key(statistic, rows.keys)),
        _cells(rows.columns, rows.offsets),
        _cells(rows.values, rows.offsets),
    ]
    return pa.RecordBatch.from_arrays(columns, names=["part", "key", "columns", "values"])


def rows_of_batch(batch: pa.RecordBatch) -> SparseRows:
    """See a batch of the shuffle as sparse rows again, without a copy."""
    columns, offsets = _flat(batch.column(2), np.dtype("<i4"))
    values, _ = _flat(batch.column(3), np.dtype("<i8"))
    return SparseRows(batch.column(1).to_numpy(), offsets, columns, values)


def _cells(flat: Any, offsets: Any) -> Any:
    """See consecutive pieces of a flat array as binary cells, without a copy."""
    ends = (offsets * flat.dtype.itemsize).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(flat)])


def _flat(cells: Any, dtype: "np.dtype[Any]") -> tuple[Any, Any]:
    """See binary cells as one flat array and the offsets of its pieces, without a copy."""
    ends = np.frombuffer(cells.buffers()[1], dtype=np.int32)[cells.offset : cells.offset + len(cells) + 1]
    first, count = int(ends[0]), (int(ends[-1]) - int(ends[0])) // dtype.itemsize
    flat = np.frombuffer(cells.buffers()[2], dtype=dtype, offset=first, count=count) if count else np.empty(0, dtype)
    return flat, (ends - first).astype(np.int64) // dtype.itemsize
