"""The job ``count_distances``: how often each token stands exactly m places before each other one."""

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.counting import RowGroups, plan_memory
from leadterm.errors import LeadtermError
from leadterm.pipeline.aggregation.driver import MatrixFiles, Merged, count_and_merge
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.count_distances.distance_layout import DistanceLayout, folder_of
from leadterm.pipeline.count_distances.task import PairsCounter
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.storage import Location, Manifest, Staging
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite


@job(Job.COUNT_DISTANCES)
def count_distances(
    session: SparkSession, config: Config, run: Location, *, overwrite: Overwrite = False, tasks: int | None = None
) -> bool:
    """Make the product ``distances`` of a run: a matrix [CONTEXT, CURRENT] of pairs (x_{t-m}, x_t) for each distance m.

    Parameters
    ----------
    session
        Spark.
    config
        Its section ``counting``, which lists the distances.
    run
        The run directory; it holds ``windows``.
    overwrite
        Make the product anew; ``differing``: only if it was made from other windows or with other settings.
    tasks
        How many tasks count, and how many merge; the bytes do not depend on it.

    Returns
    -------
    bool
        False if it was there already, made from the same windows with the same settings.

    Raises
    ------
    RunError
        If the windows are missing or damaged, or the run directory holds another run.
    """
    order = Order.of(Job.COUNT_DISTANCES, config, run, overwrite=overwrite)
    windows, distances = order.inputs[Product.WINDOWS], tuple(config.counting.distances)
    size, length = windows.counts["vocabulary_size"], windows.settings["windows"]["length"]
    groups = RowGroups.divide(min(config.counting.rows_per_file, size), size)
    layout = DistanceLayout.of(size, distances, groups)
    memory = plan_memory(config.counting.memory_per_task, size, length)

    def count(stage: Staging) -> None:
        folder = stage.folder.uri
        counter = PairsCounter(
            windows=WindowsFiles.of(run, windows),
            length=length,
            memory=memory,
            partials=PartialsWriter(folder, groups),
            layout=layout,
        )
        writer = MatrixWriter(folder, size, 0, groups, layout=layout)
        merged = count_and_merge(session, "distances", windows, counter, writer, tasks)
        passing = {"partials": merged.partial_bytes}
        commit_distances(stage, windows, merged, order.manifest(seconds=merged.seconds, passing_bytes=passing))

    return carry_out(order, count)


def commit_distances(stage: Staging, windows: Manifest, merged: Merged, base: Manifest) -> None:
    """Check the sums, then let the product appear.

    Raises
    ------
    LeadtermError
        If they cannot be those of the windows.
    """
    whole, distances = merged.matrix(Product.DISTANCES), base.settings["distances"]
    each = [_at(whole, distance) for distance in distances]
    _check_totals(distances, [one.total for one in each], windows.counts["positions"])
    pairs = {
        str(m): {"nonzeros": one.nonzeros, "total": str(one.total)} for m, one in zip(distances, each, strict=True)
    }
    counts = windows.window_counts | {"nonzeros": whole.nonzeros, "distances": pairs}
    stage.commit(replace(base, product=Product.DISTANCES, counts=counts, files=whole.entries), whole.places)


def _at(files: MatrixFiles, distance: int) -> MatrixFiles:
    """Take the files of one distance."""
    folder = f"{folder_of(distance)}/"
    return MatrixFiles([row for row in files.reports if row["name"].startswith(folder)])


def _check_totals(distances: Sequence[int], totals: Sequence[int], positions: int) -> None:
    """Check that there are as many pairs at distance 1 as positions, and fewer the farther apart they are."""
    bounds = [positions, *totals]
    falls = all(later <= earlier for earlier, later in zip(bounds, totals, strict=False))
    if not falls or (1 in distances and totals[0] != positions):
        listed = ", ".join(f"{total:,} at {m}" for m, total in zip(distances, totals, strict=True))
        raise LeadtermError(
            f"consistency check failed: {listed} places apart do not match windows with {positions:,} positions. "
            "Please report this."
        )
