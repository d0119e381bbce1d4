"""Measures on a sample what the jobs will do: how many bytes an entry takes in each file, and seconds of one core.

Every figure comes from the job's own writers, kernels and readers, which work on the sample in a temporary folder.
"""

import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.catalog.products import Product
from leadterm.config import CountingSection
from leadterm.counting import RowGroups, SparseRows, Statistic, count_unit, reciprocal_weights
from leadterm.pipeline.aggregation.coverage import Cover
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.planner.distinct_pairs import CAPACITY, fit_costs, halves
from leadterm.storage.formats.documents_table import SCHEMA as ORIGINS
from leadterm.storage.formats.documents_table import documents_file
from leadterm.storage.formats.matrix_files import COLUMNS
from leadterm.storage.formats.windows_files import SCHEMA, windows_file
from leadterm.storage.location import Location
from leadterm.storage.read_products import PARTS

ROW = 20
"""Bytes of partial sums of a row, beside its entries: its key, their number and an offset."""
DOCUMENTS = 2**15
"""With which the file of documents is written."""
REPEATS = 2
"""Of the first measurement of seconds, which is that of new files and memory."""
SHUFFLE_BLOCK, SHUFFLE_HEADER = 2**15, 21
"""Bytes that Spark compresses at once, and those that it writes before them."""


@dataclass(frozen=True)
class Windows:
    """Of windows and documents.

    Attributes
    ----------
    bytes, shuffled_bytes, seconds
        A token, in the file of windows; bytes in Spark's shuffle too.
    document_bytes
        A document, in the file that leads documents to their text; and such a file, beside its documents.
    """

    bytes: float
    shuffled_bytes: float
    seconds: float
    document_bytes: tuple[float, float]


@dataclass(frozen=True)
class Matrices:
    """Of counting and merging.

    Attributes
    ----------
    bytes
        Of an entry of each matrix, and of its columns alone (``columns``), in a quarter of the sample and in all of it.
    file_bytes
        Of a matrix file, beside its entries.
    partial_bytes
        Of partial sums: of an entry of the two matrices, and of a batch beside its rows.
    write, merge
        Seconds of one core to write partial sums, for an entry and for a batch; and to merge them, for an entry and for
        a matrix.
    """

    bytes: dict[str, tuple[float, float]]
    file_bytes: float
    partial_bytes: tuple[float, float]
    write: tuple[float, float]
    merge: tuple[float, float]


def measure_windows(table: pa.Table) -> Windows:
    """Write windows as the job does."""
    n_tokens = len(table["tokens"].combine_chunks().flatten())
    started = time.process_time()
    with TemporaryDirectory() as folder:
        ordered = table.sort_by([("document", "ascending"), ("window", "ascending")]).cast(SCHEMA)
        with windows_file(Location.of(Path(folder) / "windows")) as (file, sink):
            file.append(ordered)
        seconds = time.process_time() - started
    by_token = sink.n_bytes / n_tokens, _shuffled_bytes(table) / n_tokens, seconds / n_tokens
    return Windows(*by_token, _document_bytes(table))


def _document_bytes(table: pa.Table) -> tuple[float, float]:
    """Say what a document takes in a file, among many of random hashes and rows, and what the file takes by itself."""
    begins = np.flatnonzero(table["window"].to_numpy() == 0)
    tokens = np.add.reduceat(pc.list_value_length(table["tokens"]).to_numpy().astype(np.int64), begins)
    windows = np.diff(begins, append=len(table))
    draw, n = np.random.default_rng(0), DOCUMENTS
    chosen, hashes = draw.integers(len(begins), size=n), np.sort(draw.integers(-(2**63), 2**63 - 1, size=n))
    columns = [hashes, np.zeros(n, dtype=np.int32), draw.permutation(n), tokens[chosen], windows[chosen]]
    many = pa.table([pa.array(part, field.type) for part, field in zip(columns, ORIGINS, strict=True)], schema=ORIGINS)
    one, all_of_them = (_written(many[:size]) for size in (1, n))
    return (all_of_them - one) / (n - 1), float(one)


def _written(documents: pa.Table) -> int:
    """Say how long a file of documents is."""
    with TemporaryDirectory() as folder:
        with documents_file(Location.of(Path(folder) / "documents")) as (file, sink):
            file.append(documents)
        return sink.n_bytes


def _shuffled_bytes(table: pa.Table) -> int:
    """Say what windows take in Spark's shuffle: rows as Spark lays them out, each block compressed by itself."""
    numbers = zip(table["document"].to_pylist(), table["window"].to_pylist(), strict=True)
    rows = []
    for (document, window), tokens in zip(numbers, table["tokens"], strict=True):
        data = tokens.values.to_numpy().astype("<i4").tobytes()
        data += bytes(-len(data) % 8)
        rows += [struct.pack(">i", 40 + len(data)), struct.pack("<5q", 0, 0, document, window, len(data)), data]
    laid = b"".join(rows)
    blocks = (laid[start : start + SHUFFLE_BLOCK] for start in range(0, len(laid), SHUFFLE_BLOCK))
    return sum(SHUFFLE_HEADER + len(pa.compress(block, "lz4_raw", asbytes=True)) for block in blocks)


def measure_matrices(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    size: int,
    length: int,
    section: CountingSection,
) -> Matrices:
    """Count a sample in two tasks and merge; and a quarter of it in one, because larger matrices pack better."""
    weights = reciprocal_weights(length, section.scale_bits)
    first, *_ = halves(*halves(tokens, offsets)[0])
    small = _repeated(section, size, [first], weights, REPEATS)
    large = _repeated(section, size, halves(tokens, offsets), weights, 1)
    made = (small, large)
    write = _fitted(made, "write", [one.batches for one in made])
    merge = _fitted(made, "merge", [len(MATRICES)] * len(made))
    return Matrices(
        {name: (small.bytes[name], large.bytes[name]) for name in large.bytes},
        large.file_bytes,
        _fitted(made, "entry_bytes", [one.batches for one in made]),
        write,
        merge,
    )


def _fitted(made: Sequence["_Made"], name: str, others: Sequence[float]) -> tuple[float, float]:
    """Find what an entry costs, and something else that some units had too."""
    table = np.array([[one.entries, other] for one, other in zip(made, others, strict=True)], dtype=float)
    entry, rest = fit_costs(table, np.array([getattr(one, name) for one in made]))
    return entry, rest


def _repeated(
    section: CountingSection, size: int, units: Sequence[Any], weights: NDArray[np.int64], repeats: int
) -> "_Made":
    """Count and merge some units some times, and take the fastest."""
    made = []
    for _ in range(repeats):
        with TemporaryDirectory() as folder:
            (Path(folder) / PARTS).mkdir()
            made.append(_Workplace(Path(folder), section, size).make(units, size, weights))
    return replace(made[0], write=min(one.write for one in made), merge=min(one.merge for one in made))


@dataclass(frozen=True)
class _Made:
    """What came of counting and merging some units."""

    entries: int
    rows: int
    batches: int
    partial_bytes: int
    bytes: dict[str, float]
    file_bytes: float
    write: float
    merge: float

    @property
    def entry_bytes(self) -> int:
        """Of partial sums, without what rows take beside their entries."""
        return self.partial_bytes - ROW * self.rows


class _Workplace:
    """A temporary folder in which units are counted and merged as tasks do."""

    def __init__(self, folder: Path, section: CountingSection, size: int) -> None:
        self._folder, self._section = folder, section
        self._groups = RowGroups.divide(section.rows_per_file, size)

    def make(self, units: Sequence[tuple[Any, Any]], size: int, weights: NDArray[np.int64]) -> _Made:
        """Count units, a file of partial sums each, and merge them."""
        writer, tally = PartialsWriter(str(self._folder), self._groups), _Tally(self._groups)
        counted = (tally.of(count_unit(*unit, size, weights, CAPACITY)) for unit in units)
        places = [writer.write(Cover.of([number]), rows) for number, rows in enumerate(counted)]
        urls = tuple(place["place"][0].as_py() for place in places)
        partial_bytes = sum(place["bytes"][0].as_py() for place in places)
        merging = MatrixWriter(str(self._folder), size, self._section.scale_bits, self._groups, partials=urls)
        blocks = [(int(one), i) for one in MATRICES for i in range(-(-size // self._section.rows_per_file))]
        statistics, numbers = zip(*blocks, strict=True)
        assigned = pa.RecordBatch.from_pydict({"statistic": statistics, "block": numbers})
        started = time.process_time()
        reports = [row for batch in merging(iter([assigned])) for row in batch.to_pylist()]
        seconds = time.process_time() - started
        return _Made(
            tally.entries, tally.rows, tally.batches, partial_bytes, *_sizes(reports), tally.seconds, seconds
        )  # fmt: skip


MATRICES = (Statistic.BIGRAM, Statistic.CONTEXT)


class _Tally:
    """Counts the rows that go by, and the time that passes until the next ones are asked for."""

    def __init__(self, groups: RowGroups) -> None:
        self._groups = groups
        self.entries = self.rows = self.batches = 0
        self.seconds = 0.0

    def of(self, counted: Iterator[tuple[Statistic, SparseRows]]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Pass rows on."""
        for statistic, rows in counted:
            self.entries += rows.n_nonzeros
            self.rows += len(rows)
            self.batches += len(np.unique(self._groups.numbers(rows.keys)))
            started = time.process_time()
            yield statistic, rows
            self.seconds += time.process_time() - started


def _sizes(reports: list[dict[str, Any]]) -> tuple[dict[str, float], float]:
    """Give the bytes of an entry of each matrix and of the context's columns, and of a file beside its entries."""
    found, beside = dict[str, float](), 0
    for product in map(str, (Product.BIGRAM, Product.CONTEXT)):
        mine = [row for row in reports if row["product"] == product]
        entries = max(1, sum(row["nonzeros"] for row in mine))
        packed = [_packed_bytes(row["place"]) for row in mine]
        found[product] = sum(both for both, _ in packed) / entries
        found["columns"] = sum(columns for _, columns in packed) / entries
        beside += sum(row["bytes"] for row in mine) - sum(both for both, _ in packed)
    return found, beside / max(1, len(reports))


def _packed_bytes(path: str) -> tuple[int, int]:
    """Say what the columns of a matrix file take, and those of row numbers and columns alone."""
    footer = pq.ParquetFile(path).metadata
    groups = (footer.row_group(i) for i in range(footer.num_row_groups))
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    columns = sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema in COLUMNS)
    return sum(chunk.total_compressed_size for chunk in chunks), columns
