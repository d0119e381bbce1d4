"""What the counting job does inside an executor after the shuffle: sorted rows to merged matrix files."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.counting import ROW_BITS, RowMerger, SparseRows, Statistic, row_key
from leadterm.spark.shuffle import rows_of_batch
from leadterm.store.location import Location
from leadterm.store.matrices import Average, matrix_file, matrix_schema
from leadterm.store.products import PARTS

ROW_MASK = 2**ROW_BITS - 1
MATRICES = (Statistic.BIGRAM, Statistic.CONTEXT, Statistic.QUERY_KEY)
REPORT = (
    "product string, name string, place string, bytes long, sha256 string, rows long, nonzeros long, total string, "
    "vector binary"
)
"""What a task says of a matrix file it wrote, or a merged frequency vector itself: int64 (V,) in ``vector``."""
REPORT_ROW = pa.schema(
    [
        *((name, pa.string()) for name in ("product", "name", "place")),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        *((name, pa.int64()) for name in ("rows", "nonzeros")),
        ("total", pa.string()),
        ("vector", pa.binary()),
    ]
)
"""The same, in Arrow's types."""


@dataclass(frozen=True)
class MatrixWriter:
    """Merges and writes the blocks of a task; travels to the executors.

    Attributes
    ----------
    folder
        URL of the staging folder.
    vocabulary_size
        V.
    scale_bits
        The fixed point of the weights.
    rows_per_file
        Rows of a block, which is a file.
    batch_entries
        Nonzeros merged before they are written.
    average
        For a matrix of averages: the positions M, and int32 (V,) the fixed point of each row. Its values may be
        negative, and are written as float64, per position.
    longest_vector
        Entries of a vector that travels as a row, where that is more than V.
    """

    folder: str
    vocabulary_size: int
    scale_bits: int
    rows_per_file: int
    batch_entries: int
    average: Average | None = None
    longest_vector: int = 0

    @property
    def width(self) -> int:
        """The entries of the longest row that may come."""
        return max(self.vocabulary_size, self.longest_vector)

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Merge the sorted rows of the batches; give a report per file and per frequency vector."""
        for (statistic, block), pieces in groupby(self._pieces(batches), key=lambda piece: piece[:2]):
            rows = (piece[2] for piece in pieces)
            if statistic in MATRICES:
                yield _report(self._write_block(statistic, block, rows))
            else:
                yield _report({"product": statistic.name.lower(), "vector": self._dense(rows).tobytes()})

    def _pieces(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[Statistic, int, SparseRows]]:
        """Merge rows of equal key, and divide the stream where another block or statistic begins."""
        merger = RowMerger(self.width, self.batch_entries, signed=self.average is not None)
        stages = (merger.add(rows_of_batch(batch)) for batch in batches)
        for merged in chain(chain.from_iterable(stages), merger.finish()):
            blocks = (merged.keys & ROW_MASK) // self.rows_per_file
            changes = np.flatnonzero(np.diff(blocks) | np.diff(merged.keys >> ROW_BITS)) + 1
            for start, stop in pairwise([0, *changes.tolist(), len(merged)]):
                yield Statistic(int(merged.keys[start]) >> ROW_BITS), int(blocks[start]), merged[start:stop]

    def _write_block(self, statistic: Statistic, block: int, pieces: Iterator[SparseRows]) -> dict[str, Any]:
        """Write the rows of one block to a file of its own."""
        product = statistic.name.lower()
        place = Location.of(self.folder) / PARTS / uuid.uuid4().hex
        schema = matrix_schema(product, self.vocabulary_size, self.scale_bits if product == "context" else 0)
        first_key = int(row_key(statistic, np.zeros(1, dtype=np.int64))[0])
        with matrix_file(place, schema, self.average) as (file, sink):
            for rows in pieces:
                file.append(rows, first_key)
        return {
            "product": product,
            "name": f"rows-{block:05d}.parquet",
            "place": place.uri,
            "bytes": sink.n_bytes,
            "sha256": sink.sha256,
            "rows": file.n_rows,
            "nonzeros": file.n_nonzeros,
            "total": str(file.total),
        }

    def _dense(self, pieces: Iterator[SparseRows]) -> NDArray[np.int64]:
        """Write a vector that travelled as one sparse row out in full."""
        vector = np.zeros(self.width, dtype=np.int64)
        for rows in pieces:
            vector[rows.columns] = rows.values
        return vector


def _report(fields: dict[str, Any]) -> pa.RecordBatch:
    """Lay a report out as a row."""
    return pa.RecordBatch.from_pylist([fields], schema=REPORT_ROW)
