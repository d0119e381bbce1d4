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

from leadterm.axes import Axis
from leadterm.counting import SparseRows
from leadterm.store.location import HashingSink, Location
from leadterm.store.manifest import FileEntry, Manifest
from leadterm.store.parquet import GroupedWriter, grouped_parquet
from leadterm.store.products import read_verified

COLUMNS, VALUES = ("row", "cols.list.element"), "values.list.element"
DELTA = dict.fromkeys((*COLUMNS, VALUES), "DELTA_BINARY_PACKED")
"""Differences packed in bits: smaller than plain numbers with the same compression, and faster both ways."""
INTEGERS: dict[str, Any] = {"column_encoding": DELTA}
FLOATS: dict[str, Any] = {
    "column_encoding": DELTA | {VALUES: "PLAIN"},
    "compression": {**dict.fromkeys(COLUMNS, "zstd"), VALUES: "none"},
}
"""Of averages, whose bits are as good as random: compression would save 4 % of a file, and take most of the time."""

ROW_GROUP_ENTRIES = 2**20
"""Nonzeros of a row group: about 5 MB on disk."""

AXES = {
    "bigram": (Axis.CURRENT, Axis.NEXT),
    "context": (Axis.NEXT, Axis.CONTEXT),
    "query_key": (Axis.CURRENT, Axis.CONTEXT),
}
"""What the rows and columns of each stored matrix are."""


AVERAGES = ("query_key",)
"""Matrices whose values are averages over positions, not sums: float64."""


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

    def of(self, rows: SparseRows, first_key: int) -> NDArray[np.float64]:
        """Divide the values of some rows: float64 (nonzeros,)."""
        units = np.ldexp(1.0, -self.row_bits[rows.keys - first_key])
        averages: NDArray[np.float64] = rows.values * np.repeat(units, np.diff(rows.offsets)) / self.n_positions
        return averages


def matrix_schema(name: str, vocabulary_size: int, scale_bits: int) -> pa.Schema:
    """Describe a matrix file: its columns, and in the metadata its axes, shape and unit (2^scale_bits is 1)."""
    rows, columns = AXES[name]
    metadata = {
        "leadterm.matrix": name,
        "leadterm.axes": f"{rows} x {columns}",
        "leadterm.shape": f"{vocabulary_size} x {vocabulary_size}",
        "leadterm.scale_bits": str(scale_bits),
    }
    number = pa.float64() if name in AVERAGES else pa.int64()
    fields = [("row", pa.int32()), ("cols", pa.list_(pa.int32())), ("values", pa.list_(number))]
    return pa.schema([pa.field(label, kind, nullable=False) for label, kind in fields], metadata=metadata)


class MatrixFile:
    """A matrix file while it is being written."""

    def __init__(self, writer: GroupedWriter, schema: pa.Schema, average: Average | None) -> None:
        self._writer, self._schema, self._average = writer, schema, average
        self.n_rows = self.n_nonzeros = self.total = 0

    def append(self, rows: SparseRows, first_key: int) -> None:
        """Add rows; ``first_key`` is the key of the matrix's row 0."""
        offsets = pa.array((rows.offsets - rows.offsets[0]).astype(np.int32))
        values = rows.values if self._average is None else self._average.of(rows, first_key)
        lists = [pa.ListArray.from_arrays(offsets, pa.array(part)) for part in (rows.columns, values)]
        numbers = pa.array((rows.keys - first_key).astype(np.int32))
        self._writer.append(pa.Table.from_arrays([numbers, *lists], schema=self._schema))
        self.n_rows += len(rows)
        self.n_nonzeros += rows.n_nonzeros
        self.total += rows.total()


@contextmanager
def matrix_file(
    place: Location, schema: pa.Schema, average: Average | None = None
) -> Iterator[tuple[MatrixFile, HashingSink]]:
    """Open a matrix file for writing; it is whole after the block, and gone if the block raises."""
    options = INTEGERS if average is None else FLOATS
    with grouped_parquet(place, schema, "cols", ROW_GROUP_ENTRIES, **options) as (writer, sink):
        yield MatrixFile(writer, schema, average), sink


def read_matrix(run: Location, manifest: Manifest) -> csr_array:
    """Read a whole matrix into memory, checking every file's hash: csr_array (V, V), int64, or float64 of averages."""
    size = int(manifest.counts["vocabulary_size"])
    tables = [_read_file(run, manifest.product, entry) for entry in manifest.files]
    lengths = np.zeros(size + 1, dtype=np.int64)
    for table in tables:
        lengths[table["row"].to_numpy() + 1] = pa.compute.list_value_length(table["cols"]).to_numpy()
    columns = _flat([table["cols"] for table in tables], np.int32)
    values = _flat([table["values"] for table in tables], np.float64 if manifest.product in AVERAGES else np.int64)
    return csr_array((values, columns, np.cumsum(lengths)), shape=(size, size))


def _read_file(run: Location, product: str, entry: FileEntry) -> pa.Table:
    """Read one verified file."""
    return pq.read_table(pa.BufferReader(read_verified(run, product, entry)))


def _flat(columns: Sequence[pa.ChunkedArray], dtype: type) -> NDArray[np.generic]:
    """Lay the lists of several columns end to end."""
    chunks = [chunk.flatten().to_numpy() for column in columns for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype=dtype)
