"""What both counting jobs do inside an executor in the end: partial sums to merged matrix files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.catalog.products import Product
from leadterm.counting import GroupSum, RowGroups, SparseRows, Statistic
from leadterm.pipeline.aggregation.layout import Layout
from leadterm.pipeline.aggregation.partial_sums_file import Partials, SummandRows, sum_block
from leadterm.storage.formats.matrix_files import Average, PendingRows, matrix_file, matrix_schema
from leadterm.storage.location import Location
from leadterm.storage.read_products import PARTS
from leadterm.storage.staged.part_reports import finish, finished

MATRICES = tuple(one for one in Statistic if one.name.lower() in [*Product] and Product(one.name.lower()).axes)
FILE_REPORT = pa.schema(
    [
        *((name, pa.string()) for name in ("product", "name", "place")),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        *((name, pa.int64()) for name in ("rows", "nonzeros")),
        ("total", pa.string()),
        ("vector", pa.binary()),
    ]
)
"""What a task says of a matrix file it wrote, or a merged frequency vector itself: int64 (V,) in ``vector``."""


@dataclass(frozen=True)
class MatrixWriter:
    """Merges and writes the files that a task was assigned; travels to the executors.

    Attributes
    ----------
    folder
        URL of the staging folder.
    vocabulary_size
        V.
    scale_bits
        The fixed point of the weights.
    groups
        How rows are divided.
    average
        For a matrix of averages: the positions M, and int32 (V,) the fixed point of each row. Its values may be
        negative, and are written as float64, per position.
    longest_vector
        Entries of a vector that is a matrix of one row, where that is more than V.
    partials
        URLs of the partial sums.
    layout
        Which file a block of rows is; by default that of one matrix.
    """

    folder: str
    vocabulary_size: int
    scale_bits: int
    groups: RowGroups
    average: Average | None = None
    longest_vector: int = 0
    partials: tuple[str, ...] = ()
    layout: Layout | None = None

    @property
    def files(self) -> Layout:
        """How rows lie in files."""
        return self.layout or Layout(self.vocabulary_size)

    @property
    def width(self) -> int:
        """The entries of the longest row that may come."""
        return max(self.vocabulary_size, self.longest_vector)

    @property
    def signed(self) -> bool:
        """Whether values may be negative."""
        return self.average is not None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Merge the blocks of rows (statistic, block) named in the batches; give a report per file and per vector."""
        partials = self.summands()
        total = GroupSum(self.groups.rows_per_group, self.width, signed=self.signed)
        pending = PendingRows(self.width)
        for row in chain.from_iterable(batch.to_pylist() for batch in batches):
            statistic, block = Statistic(row["statistic"]), row["block"]
            rows = sum_block(partials, self.groups, statistic, block, total)
            if statistic not in MATRICES:
                yield _report({"product": statistic.name.lower(), "vector": _dense(rows, self.width).tobytes()})
                continue
            report = finished(self._parts, _block_name(statistic, block))
            if report is None and (first := next(rows, None)) is not None:
                report = self._write_block(statistic, block, chain([first], rows), pending)
            if report is not None:
                yield from report.to_batches()

    @property
    def _parts(self) -> Location:
        """Where files are written."""
        return Location.of(self.folder) / PARTS

    def summands(self) -> Sequence[SummandRows]:
        """Open what is added up."""
        return [Partials(Location.of(url)) for url in self.partials]

    def _write_block(
        self, statistic: Statistic, block: int, pieces: Iterator[SparseRows], pending: PendingRows
    ) -> pa.Table:
        """Write the rows of one block to a file of its own, and beside it what is to be known of it."""
        product, name = statistic.name.lower(), _block_name(statistic, block)
        called, first_row = self.files.file(block)
        schema = matrix_schema(product, self.vocabulary_size, self.scale_bits if Product(product).fixed_point else 0)
        with matrix_file(self._parts / name, schema, pending, self.average) as (file, sink):
            for rows in pieces:
                file.append(replace(rows, keys=rows.keys - first_row) if first_row else rows)
        row = {
            "product": product,
            "name": called,
            "place": (self._parts / name).uri,
            "bytes": sink.n_bytes,
            "sha256": sink.sha256,
            "rows": file.n_rows,
            "nonzeros": file.n_nonzeros,
            "total": str(file.total),
        }
        report = pa.Table.from_batches([_report(row)])
        finish(self._parts, name, report)
        return report


def _block_name(statistic: Statistic, block: int) -> str:
    """Name the file of a block by what it holds."""
    return f"{statistic.name.lower()}-{block:05d}"


def _dense(pieces: Iterator[SparseRows], width: int) -> NDArray[np.int64]:
    """Write a vector that travelled as one sparse row out in full."""
    vector = np.zeros(width, dtype=np.int64)
    for rows in pieces:
        vector[rows.columns] = rows.values
    return vector


def _report(fields: dict[str, Any]) -> pa.RecordBatch:
    """Lay a report out as a row."""
    return pa.RecordBatch.from_pylist([fields], schema=FILE_REPORT)
