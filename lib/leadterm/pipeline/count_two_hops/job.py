"""The job ``count_two_hops``: windows become the two matrices of the predicted weights' next order."""

from dataclasses import replace

from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.counting import RowGroups, plan_memory
from leadterm.counting.two_hops import check_two_hops_fit
from leadterm.errors import LeadtermError
from leadterm.pipeline.aggregation.driver import Merged, count_and_merge
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.count_two_hops.task import TwoHopsCounter
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.storage import Location, Manifest, Staging
from leadterm.storage.formats.small_tables import VOCABULARY, read_table
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite


@job(Job.COUNT_TWO_HOPS)
def count_two_hops(
    session: SparkSession, config: Config, run: Location, *, overwrite: Overwrite = False, tasks: int | None = None
) -> bool:
    """Make the products ``two_hop`` and ``current_context`` of a run.

    Parameters
    ----------
    session
        Spark.
    config
        Its section ``counting``.
    run
        The run directory; it holds ``windows``, ``vocabulary`` and ``context``.
    overwrite
        Make the products anew; ``differing``: only where they were made from other windows or with other settings.
    tasks
        How many tasks count, and how many merge; the bytes do not depend on it.

    Returns
    -------
    bool
        False if both were there already, made from the same windows with the same settings.

    Raises
    ------
    RunError
        If the windows are missing or damaged, or the run directory holds another run.
    CountOverflowError
        If a sum might not fit int64.
    """
    order = Order.of(Job.COUNT_TWO_HOPS, config, run, overwrite=overwrite)
    windows, scale_bits = order.inputs[Product.WINDOWS], config.counting.scale_bits
    size, length = windows.counts["vocabulary_size"], windows.settings["windows"]["length"]

    def count(stage: Staging) -> None:
        vocabulary = read_table(run, order.inputs[Product.VOCABULARY], VOCABULARY)
        largest = max(vocabulary["count"].to_pylist()) + windows.counts["windows"]  # a token that two windows share
        check_two_hops_fit(largest, length, scale_bits)
        groups, folder = RowGroups.divide(min(config.counting.rows_per_file, size), size), stage.folder.uri
        memory, partials = plan_memory(config.counting.memory_per_task, size, length), PartialsWriter(folder, groups)
        counter = TwoHopsCounter(
            windows=WindowsFiles.of(run, windows),
            length=length,
            memory=memory,
            partials=partials,
            vocabulary_size=size,
            scale_bits=scale_bits,
        )
        writer = MatrixWriter(folder, size, scale_bits, groups)
        merged = count_and_merge(session, "two hops", windows, counter, writer, tasks)
        passing = {"partials": merged.partial_bytes}
        made = order.manifest(seconds=merged.seconds, passing_bytes=passing)
        commit_two_hops(stage, windows, order.inputs[Product.CONTEXT], merged, made)

    return carry_out(order, count)


def commit_two_hops(stage: Staging, windows: Manifest, context: Manifest, merged: Merged, base: Manifest) -> None:
    """Check the sums, then let both products appear.

    Raises
    ------
    LeadtermError
        If they cannot be those of the windows.
    """
    matrices = {product: merged.matrix(product) for product in (Product.TWO_HOP, Product.CURRENT_CONTEXT)}
    _check_totals(
        {product: files.total for product, files in matrices.items()},
        int(context.counts["total"]),
        windows.counts["positions"] << int(base.settings["scale_bits"]),
    )
    for product, files in matrices.items():
        counts = windows.window_counts | {"nonzeros": files.nonzeros, "total": str(files.total)}
        stage.commit(replace(base, product=product, counts=counts, files=files.entries), files.places)


def _check_totals(totals: dict[Product, int], context: int, positions: int) -> None:
    """Check that contexts of current tokens weigh as much as those of next ones, and two hops 1 at each position.

    The latter but for rounding: by half a unit, of 2^-8 or less, for each token of a context.
    """
    off = abs(totals[Product.TWO_HOP] - positions)
    if totals[Product.CURRENT_CONTEXT] != context or off > 1e-3 * positions:
        raise LeadtermError(
            f"consistency check failed: the matrices sum to {totals}, the context matrix to {context} and the windows "
            f"hold {positions} units of positions. Please report this."
        )
