"""How sparse rows travel through the shuffle: blocks of rows, which are files in the end, dealt out to parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm.counting import SparseRows, Statistic, row_key

ROWS = "part int, key long, columns binary, values binary"
"""Sparse rows in the shuffle: two flat binaries a row cross between Python and the JVM three times as fast as lists."""


@dataclass(frozen=True)
class Blocks:
    """How the rows of a matrix are divided.

    Attributes
    ----------
    rows_per_file
        Rows of a block, which becomes a file.
    parts
        Among how many tasks the blocks are dealt out.
    """

    rows_per_file: int
    parts: int

    @classmethod
    def divide(cls, n_rows: int, rows_per_file: int, most_parts: int) -> "Blocks":
        """Deal the blocks of a matrix out to at most so many parts."""
        return cls(rows_per_file, min(-(-n_rows // rows_per_file), most_parts))

    def batch(self, statistic: Statistic, rows: SparseRows) -> pa.RecordBatch:
        """Lay sparse rows out for the shuffle: each block of rows goes to one part."""
        part = (rows.keys // self.rows_per_file % self.parts).astype(np.int32)
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
