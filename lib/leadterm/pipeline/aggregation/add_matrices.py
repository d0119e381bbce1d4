"""Adds up the matrices of runs, as if what they hold were partial sums of one run over the files of all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import SparkSession

from leadterm.catalog.products import Product, Statistic
from leadterm.pipeline.aggregation.driver import Merged
from leadterm.pipeline.aggregation.limits import MERGING_TASKS
from leadterm.pipeline.aggregation.partial_sums_file import SummandRows
from leadterm.pipeline.aggregation.row_groups import assign_blocks
from leadterm.pipeline.aggregation.stored_rows import StoredRows
from leadterm.pipeline.aggregation.task import FILE_REPORT, MatrixWriter
from leadterm.spark.tasks import run_tasks
from leadterm.storage import Location
from leadterm.storage.stored_run import StoredRun


@dataclass(frozen=True)
class RunsAdder(MatrixWriter):
    """Adds up the matrices of runs, whose URLs stand in ``partials``, as if they were partial sums.

    Attributes
    ----------
    minus
        URLs of runs whose matrices are taken away: their windows are among those of the others, so that no entry
        becomes negative, and none can overflow.
    """

    minus: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether values may be negative."""
        return bool(self.minus)

    def summands(self) -> Sequence[SummandRows]:
        """Open the runs."""
        added = [StoredRows(Location.of(url), self.groups, self.files) for url in self.partials]
        return [*added, *(StoredRows(Location.of(url), self.groups, self.files, sign=-1) for url in self.minus)]


def add_matrices(
    session: SparkSession,
    what: str,
    runs: Sequence[StoredRun],
    matrices: Sequence[Statistic],
    adder: RunsAdder,
    tasks: int | None,
    minus: Sequence[StoredRun] = (),
) -> Merged:
    """Add matrices of runs up, a file at a time.

    Parameters
    ----------
    session
        Spark.
    what
        Is added up, for whoever waits.
    runs
        Which hold them.
    matrices
        Of each run.
    adder
        Where the sums go, and how their rows lie in files.
    tasks
        How many tasks there are; the bytes do not depend on it.
    minus
        Runs whose matrices are taken away.
    """
    n_tasks = tasks or MERGING_TASKS * session.sparkContext.defaultParallelism
    assigned = assign_blocks(_blocks(runs, matrices, adder), n_tasks)
    partials, taken = (tuple(run.location.uri for run in some) for some in (runs, minus))
    adder = replace(adder, partials=partials, minus=taken)
    found = run_tasks(session, f"add up {what}", assigned, adder, FILE_REPORT)
    return Merged(found.sort_by("name").to_pylist(), 0, {})


def _blocks(runs: Sequence[StoredRun], matrices: Sequence[Statistic], adder: RunsAdder) -> list[tuple[int, int]]:
    """List the blocks of rows that some run has a file of."""
    n_blocks = -(-adder.files.n_rows // adder.groups.rows_per_file)
    numbers = {adder.files.file(block)[0]: block for block in range(n_blocks)}
    return sorted(
        {
            (int(matrix), numbers[entry.name])
            for run in runs
            for matrix in matrices
            for entry in run.manifest(Product(matrix.name.lower())).files
        }
    )
