"""What both counting jobs do around their kernels: deal windows out, merge what was counted, account for the files."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from leadterm.counting import RowGroups, Statistic, TaskMemory
from leadterm.pipeline.aggregation.coverage import Cover, disjoint
from leadterm.pipeline.aggregation.limits import MERGING_TASKS, MOST_FILES
from leadterm.pipeline.aggregation.partial_sums import SUMS, PartialsMerger, PartialsWriter, reported_sums
from leadterm.pipeline.aggregation.partial_sums_file import Sums, finished_sums
from leadterm.pipeline.aggregation.row_groups import assign_blocks, assign_row_groups, number_of_tasks, row_groups
from leadterm.pipeline.aggregation.task import FILE_REPORT, MATRICES, MatrixWriter
from leadterm.spark.tasks import assign_places, run_tasks
from leadterm.storage import FileEntry, Location, Manifest
from leadterm.storage.read_products import PARTS
from leadterm.telemetry.progress import titled

logger = logging.getLogger("leadterm")


class Counter(Protocol):
    """Turns the row groups that a task was assigned into partial sums; travels to the executors."""

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
    """Count the windows of a run in this many tasks, by default what the cluster runs or memory asks for, and merge.

    What a job that was interrupted has finished in the same staging folder is not done again.
    """
    started = time.monotonic()
    sums = _count(session, what, windows, counter, Location.of(writer.folder) / PARTS, tasks)
    counting, partial_bytes = time.monotonic() - started, sum(one.bytes for one in sums)
    blocks = _blocks(counter.statistics, writer.files.n_rows, writer.groups)
    while len(sums) > MOST_FILES:
        sums = _fewer(session, what, sums, writer, blocks)
    assigned = assign_blocks(blocks, tasks or MERGING_TASKS * session.sparkContext.defaultParallelism)
    merger = replace(writer, partials=tuple(one.place for one in sums))
    reports = run_tasks(session, f"merge {what}", assigned, merger, FILE_REPORT).to_pylist()
    seconds = {"count": counting, "merge": time.monotonic() - started - counting}
    return Merged(sorted(reports, key=lambda row: row["name"] or ""), partial_bytes, seconds)


def _count(
    session: SparkSession, what: str, windows: Manifest, counter: Counter, folder: Location, tasks: int | None
) -> list[Sums]:
    """Count the row groups that are in no file of partial sums yet.

    Raises
    ------
    LeadtermError
        If a row group is in no file or in two: consistency check failed.
    """
    groups = row_groups(windows)
    sums, numbers = _found(folder, len(groups))
    rest = [groups[number] for number in numbers]
    n_tokens, n_left = (sum(group.tokens for group in some) for some in (groups, rest))
    if sums:
        share = 100 - 100 * n_left / n_tokens
        logger.info("%s: %.0f %% of the tokens had already been counted", titled(f"count {what}"), share)
    if rest:
        n_tasks = tasks or number_of_tasks(session, n_left, counter.memory.unit_tokens)
        sums += reported_sums(run_tasks(session, f"count {what}", assign_row_groups(rest, n_tasks), counter, SUMS))
    Cover.union(one.cover for one in sums).require_all(len(groups))
    return sums


def _found(folder: Location, n_groups: int) -> tuple[list[Sums], list[int]]:
    """Find files of partial sums that share no row group, and the row groups that are in none of them.

    Other files go: a task that outlived its driver may have written what others counted too.
    """
    found = {sums.cover: sums for sums in finished_sums(folder)}
    chosen, rest = disjoint(found, n_groups)
    for cover in found.keys() - set(chosen):
        (folder / cover.name).remove()
    return [found[cover] for cover in chosen], rest.tolist()


def _fewer(
    session: SparkSession, what: str, sums: Sequence[Sums], writer: MatrixWriter, blocks: Sequence[tuple[int, int]]
) -> list[Sums]:
    """Add files of partial sums up, this many at a time, and delete them; no more, and no larger ones, than need be."""
    merger = PartialsMerger(PartialsWriter(writer.folder, writer.groups), tuple(blocks), writer.width, writer.signed)
    ascending = sorted(sums, key=lambda one: len(one.cover))
    n_tasks = -(-(len(sums) - MOST_FILES) // (MOST_FILES - 1))
    n_added = min(len(sums), len(sums) - MOST_FILES + n_tasks)
    added, kept = ascending[:n_added], ascending[n_added:]
    assigned = assign_places([one.place for one in added], MOST_FILES)
    made = reported_sums(run_tasks(session, f"add up {what}", assigned, merger, SUMS))
    for place in {one.place for one in added} - {one.place for one in made}:
        Location.of(place).remove()
    return [*made, *kept]


def _blocks(statistics: Iterable[Statistic], size: int, groups: RowGroups) -> list[tuple[int, int]]:
    """List the blocks of rows that become files, and the vectors, which are one block each."""
    n_blocks = {statistic: -(-size // groups.rows_per_file) if statistic in MATRICES else 1 for statistic in statistics}
    return [(int(statistic), block) for statistic, number in n_blocks.items() for block in range(number)]
