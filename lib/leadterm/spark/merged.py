"""What both counting jobs do around their kernels: deal windows out, merge the rows, account for the files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from leadterm.counting import TaskMemory
from leadterm.spark.dealing import deal_out, number_of_tasks
from leadterm.spark.failures import readable_errors
from leadterm.spark.merging import REPORT, MatrixWriter
from leadterm.spark.progress import progress
from leadterm.spark.shuffle import ROWS, Blocks
from leadterm.store import FileEntry, Location, Manifest


class Counter(Protocol):
    """Turns the row groups that a task was dealt into sparse rows; travels to the executors."""

    @property
    def memory(self) -> TaskMemory:
        """What may be held at once."""

    @property
    def blocks(self) -> Blocks:
        """How rows are divided."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count them."""


@dataclass(frozen=True)
class Merged:
    """What tasks say of the matrix files they wrote and of the vectors they merged, in the order of file names."""

    reports: list[dict[str, Any]]

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
    session: SparkSession, title: str, windows: Manifest, counter: Counter, writer: MatrixWriter, tasks: int | None
) -> Merged:
    """Count the windows of a run in so many tasks, by default what the cluster runs or memory asks for, and merge."""
    n_tasks = tasks or number_of_tasks(session, windows, counter.memory.unit_tokens)
    rows = deal_out(session, windows, n_tasks).mapInArrow(counter, ROWS)
    sorted_rows = rows.repartitionById(counter.blocks.parts, "part").sortWithinPartitions("key")
    with progress(session, title), readable_errors():
        reports = sorted_rows.mapInArrow(writer, REPORT).toArrow().to_pylist()
    return Merged(sorted(reports, key=lambda row: row["name"] or ""))


def blocks_of(session: SparkSession, size: int, rows_per_file: int, tasks: int | None) -> Blocks:
    """Deal the blocks of a matrix of V rows out to so many tasks, by default to two for each that runs at once."""
    return Blocks.divide(size, rows_per_file, tasks or 2 * session.sparkContext.defaultParallelism)
