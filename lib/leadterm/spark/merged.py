"""What both counting jobs do around their kernels: deal windows out, merge what was counted, account for the files."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from leadterm.counting import RowGroups, Statistic, TaskMemory
from leadterm.spark.dealing import deal_blocks, deal_out, deal_places, number_of_tasks
from leadterm.spark.failures import readable_errors
from leadterm.spark.merging import MATRICES, REPORT, MatrixWriter
from leadterm.spark.partials import PLACE, PartialsMerger, PartialsWriter
from leadterm.spark.progress import progress
from leadterm.store import FileEntry, Location, Manifest

MOST_FILES = 128
"""That a task has open at once; of more, so many at a time are first added up, so that neither memory nor open files
grow with the corpus."""
MERGING_TASKS = 2
"""For each that runs at once, so that one with larger blocks does not hold the others up."""


class Counter(Protocol):
    """Turns the row groups that a task was dealt into partial sums; travels to the executors."""

    @property
    def memory(self) -> TaskMemory:
        """What may be held at once."""

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """What is counted."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count them, and say where the sums are."""


@dataclass(frozen=True)
class Merged:
    """What tasks say of the matrix files they wrote and of the vectors they merged, in the order of file names.

    Attributes
    ----------
    reports
        Of tasks that merged.
    partial_bytes
        What the tasks that counted wrote for them.
    seconds
        How long counting took (``count``), and merging (``merge``).
    """

    reports: list[dict[str, Any]]
    partial_bytes: int
    seconds: dict[str, float]

    def matrix(self, product: str) -> "MatrixFiles":
        """Take the files of a matrix."""
        return MatrixFiles([row for row in self.reports if row["product"] == product])

    def vector(self, name: str) -> NDArray[np.int64]:
        """Take a vector."""
        return next(np.frombuffer(row["vector"], dtype=np.int64) for row in self.reports if row["product"] == name)


@dataclass(frozen=True)
class MatrixFiles:
    """The files of a matrix, which still lie where tasks wrote them."""

    reports: list[dict[str, Any]]

    @property
    def nonzeros(self) -> int:
        """The entries of all files."""
        return sum(row["nonzeros"] for row in self.reports)

    @property
    def total(self) -> int:
        """The sum of all entries."""
        return sum(int(row["total"]) for row in self.reports)

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """The files, as the manifest lists them."""
        return tuple(FileEntry(row["name"], row["bytes"], row["sha256"], {"rows": row["rows"]}) for row in self.reports)

    @property
    def places(self) -> list[tuple[Location, str]]:
        """Where each file lies, and what it will be called."""
        return [(Location.of(row["place"]), row["name"]) for row in self.reports]


def count_and_merge(
    session: SparkSession, what: str, windows: Manifest, counter: Counter, writer: MatrixWriter, tasks: int | None
) -> Merged:
    """Count the windows of a run in so many tasks, by default what the cluster runs or memory asks for, and merge."""
    started = time.monotonic()
    n_tasks = tasks or number_of_tasks(session, windows, counter.memory.unit_tokens)
    counted = deal_out(session, windows, n_tasks).mapInArrow(counter, PLACE)
    with progress(session, f"count {what}"), readable_errors():
        written = counted.toArrow()
    counting = time.monotonic() - started
    places, partial_bytes = written["place"].to_pylist(), sum(written["bytes"].to_pylist())
    blocks = _blocks(counter.statistics, writer.vocabulary_size, writer.groups)
    while len(places) > MOST_FILES:
        places = _fewer(session, what, places, writer, blocks)
    dealt = deal_blocks(session, blocks, tasks or MERGING_TASKS * session.sparkContext.defaultParallelism)
    with progress(session, f"merge {what}"), readable_errors():
        reports = dealt.mapInArrow(replace(writer, partials=tuple(places)), REPORT).toArrow().to_pylist()
    seconds = {"count": counting, "merge": time.monotonic() - started - counting}
    return Merged(sorted(reports, key=lambda row: row["name"] or ""), partial_bytes, seconds)


def _fewer(
    session: SparkSession, what: str, places: Sequence[str], writer: MatrixWriter, blocks: Sequence[tuple[int, int]]
) -> list[str]:
    """Add files of partial sums up, so many at a time, and delete them."""
    merger = PartialsMerger(PartialsWriter(writer.folder, writer.groups), tuple(blocks), writer.width, writer.signed)
    with progress(session, f"add up {what}"), readable_errors():
        dealt = deal_places(session, places, MOST_FILES)
        merged: list[str] = dealt.mapInArrow(merger, PLACE).toArrow()["place"].to_pylist()
    for place in places:
        Location.of(place).remove()
    return merged


def _blocks(statistics: Iterable[Statistic], size: int, groups: RowGroups) -> list[tuple[int, int]]:
    """List the blocks of rows that become files, and the vectors, which are one block each."""
    n_blocks = {statistic: -(-size // groups.rows_per_file) if statistic in MATRICES else 1 for statistic in statistics}
    return [(int(statistic), block) for statistic, number in n_blocks.items() for block in range(number)]
