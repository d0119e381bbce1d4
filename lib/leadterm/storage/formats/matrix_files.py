"""Sparse matrices on disk: ``row int32, cols list<int32>, values list<int64>`` in files of consecutive rows.

Rows are sorted, columns within a row too; rows without an entry are not there. Any Parquet reader opens a file;
its schema's metadata says what the axes mean and what one unit of a value is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.catalog.products import Product
from leadterm.counting import SparseRows, check_rows
from leadterm.errors import InputError, RunError
from leadterm.storage.formats.parquet_io import GroupCutter, parquet_writer
from leadterm.storage.location import Location
from leadterm.storage.manifest import FileEntry, Manifest
from leadterm.storage.read_products import read_verified
from leadterm.storage.staged.hashing_sink import HashingSink, part_output

COLUMNS, VALUES = ("row", "cols.list.element"), "values.list.element"
DELTA = dict.fromkeys((*COLUMNS, VALUES), "DELTA_BINARY_PACKED")
"""Differences packed in bits: 5 bytes an entry of the context matrix instead of 12, written in the same time."""
INTEGERS: dict[str, Any] = {"column_encoding": DELTA, "compression": "none", "write_statistics": ["row"]}
"""Compression of what is packed already would save 2 % of a file."""
FLOATS: dict[str, Any] = INTEGERS | {"column_encoding": DELTA | {VALUES: "PLAIN"}}
"""Of averages, whose bits are as good as random."""

ROW_GROUP_ENTRIES = 2**20
"""Nonzeros of a row group: about 5 MB on disk."""

AGAIN = "Fetch the run again, or rebuild the product."


@dataclass(frozen=True)
class Average:
    """How the integers of a matrix become averages over positions.

    Attributes
    ----------
    n_positions
        M.
    row_bits
        int32 (V,): row r is in units of 2^-row_bits[r].
    """

    n_positions: int
    row_bits: NDArray[np.int32]

    def of(self, rows: SparseRows) -> NDArray[np.float64]:
        """Divide the values of some rows: float64 (nonzeros,)."""
        units = np.ldexp(1.0, -self.row_bits[rows.keys])
        averages: NDArray[np.float64] = rows.values * np.repeat(units, np.diff(rows.offsets)) / self.n_positions
        return averages


def matrix_schema(name: str, vocabulary_size: int, scale_bits: int) -> pa.Schema:
    """Describe a matrix file: its columns, and in the metadata its axes, shape and unit (2^scale_bits is 1)."""
    product = Product(name)
    if product.axes is None:
        raise ValueError(f"'{name}' is not a matrix")
    rows, columns = product.axes
    metadata = {
        "leadterm.matrix": name,
        "leadterm.axes": f"{rows} x {columns}",
        "leadterm.shape": f"{vocabulary_size} x {vocabulary_size}",
        "leadterm.scale_bits": str(scale_bits),
    }
    number = pa.float64() if product.averages else pa.int64()
    fields = [("row", pa.int32()), ("cols", _list_of(pa.int32())), ("values", _list_of(number))]
    return pa.schema([pa.field(label, kind, nullable=False) for label, kind in fields], metadata=metadata)


def _list_of(number: pa.DataType) -> pa.ListType:
    """Give the type of lists that hold no null, of which Parquet need not keep account."""
    return pa.list_(pa.field("element", number, nullable=False))


def rows_file(block: int) -> str:
    """Name the file of a block of rows."""
    return f"rows-{block:05d}.parquet"


class PendingRows:
    """The rows of a row group until it is written: 12 bytes an entry, which a task uses again for all its files.

    Parameters
    ----------
    n_columns
        V, the entries of the longest row.
    """

    def __init__(self, n_columns: int) -> None:
        self._rows = SparseRows.empty(ROW_GROUP_ENTRIES + 1, ROW_GROUP_ENTRIES + n_columns)
        self._n_rows = 0

    def append(self, rows: SparseRows) -> None:
        """Copy rows to those that are here."""
        into, first, last = self._rows, self._n_rows, self._n_rows + len(rows)
        filled = into.offsets[first]
        into.keys[first:last] = rows.keys
        into.offsets[first + 1 : last + 1] = rows.offsets[1:] + (filled - rows.offsets[0])
        entries = slice(filled, into.offsets[last])
        into.columns[entries], into.values[entries] = rows.columns, rows.values
        self._n_rows = last

    def take(self) -> SparseRows:
        """Give all rows, which stay valid until others are appended."""
        taken, self._n_rows = self._rows[: self._n_rows], 0
        return taken


class MatrixFile:
    """A matrix file while it is being written."""

    def __init__(
        self, writer: pq.ParquetWriter, schema: pa.Schema, average: Average | None, pending: PendingRows
    ) -> None:
        self._writer, self._schema, self._average, self._pending = writer, schema, average, pending
        self._cutter = GroupCutter(ROW_GROUP_ENTRIES)
        self.n_rows = self.n_nonzeros = self.total = 0

    def append(self, rows: SparseRows) -> None:
        """Add rows, whose keys are their numbers in the matrix; they are copied."""
        start = 0
        for end in self._cutter.cuts(np.diff(rows.offsets)):
            self._pending.append(rows[start:end])
            self.write_group()
            start = end
        self._pending.append(rows[start:])

    def write_group(self) -> None:
        """Write the pending rows as a row group, if there are any."""
        rows = self._pending.take()
        if not len(rows):
            return
        offsets = pa.array(rows.offsets.astype(np.int32))
        values = rows.values if self._average is None else self._average.of(rows)
        columns, numbers = (
            pa.ListArray.from_arrays(offsets, pa.array(part), type=self._schema.field(name).type)
            for name, part in (("cols", rows.columns), ("values", values))
        )
        table = pa.Table.from_arrays([pa.array(rows.keys.astype(np.int32)), columns, numbers], schema=self._schema)
        self._writer.write_table(table, row_group_size=len(table))
        self.n_rows += len(rows)
        self.n_nonzeros += rows.n_nonzeros
        self.total += rows.total()


@contextmanager
def matrix_file(
    place: Location, schema: pa.Schema, pending: PendingRows, average: Average | None = None
) -> Iterator[tuple[MatrixFile, HashingSink]]:
    """Open a matrix file for writing; it is there, and whole, after the block, and not if the block raises.

    ``pending`` is memory for a row group; whatever a file that failed left there is forgotten.
    """
    options = INTEGERS if average is None else FLOATS
    pending.take()
    with part_output(place) as stream, parquet_writer(sink := HashingSink(stream), schema, **options) as writer:
        file = MatrixFile(writer, schema, average, pending)
        yield file, sink
        file.write_group()


def read_matrix(run: Location, manifest: Manifest) -> csr_array:
    """Read a whole matrix into memory: csr_array (V, V), int64, or float64 of averages.

    Raises
    ------
    RunError
        If a file is missing, is not the one that was written, or holds what is no part of such a matrix; names it.
    """
    size = int(manifest.counts["vocabulary_size"])
    tables = [_read_file(run, manifest, entry, size) for entry in manifest.files]
    lengths = np.zeros(size + 1, dtype=np.int64)
    last = -1
    for entry, table in zip(manifest.files, tables, strict=True):
        rows = table["row"].to_numpy()
        if len(rows) and rows[0] <= last:
            raise RunError(
                f"{run / manifest.product / entry.name} begins with a row that belongs to the preceding file. {AGAIN}"
            )
        last = int(rows[-1]) if len(rows) else last
        lengths[rows + 1] = pa.compute.list_value_length(table["cols"]).to_numpy()
    columns = _flat([table["cols"] for table in tables], np.int32)
    values = _flat(
        [table["values"] for table in tables], np.float64 if Product(manifest.product).averages else np.int64
    )
    return csr_array((values, columns, np.cumsum(lengths)), shape=(size, size))


def _read_file(run: Location, manifest: Manifest, entry: FileEntry, size: int) -> pa.Table:
    """Read one verified file; whoever reads its numbers takes them for places in arrays."""
    data = pa.BufferReader(read_verified(run, manifest.product, entry))
    try:
        table = pq.read_table(data)
        if not table.schema.equals(matrix_schema(manifest.product, size, 0)):
            raise InputError(f"Its columns are {', '.join(map(str, table.schema))}.")
        rows, columns, values = (table[name].combine_chunks() for name in ("row", "cols", "values"))
        offsets = columns.offsets.to_numpy().astype(np.int64) - columns.offsets[0].as_py()
        if not columns.offsets.equals(values.offsets):
            raise InputError("A row has different numbers of columns and values.")
        check_rows(rows.to_numpy(), offsets, columns.flatten().to_numpy(), len(values.flatten()), size)
    except (pa.ArrowException, OSError, InputError) as error:
        place, reason = run / manifest.product / entry.name, str(error).rstrip(".")
        raise RunError(f"{place} does not hold rows of a matrix of {size:,} tokens: {reason}. {AGAIN}") from error
    return table


def _flat(columns: Sequence[pa.ChunkedArray], dtype: type) -> NDArray[np.generic]:
    """Lay the lists of several columns end to end."""
    chunks = [chunk.flatten().to_numpy() for column in columns for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype=dtype)
