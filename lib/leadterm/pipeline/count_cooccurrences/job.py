"""The job ``count_cooccurrences``: windows become the bigram and context matrices and both frequency vectors."""

from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.counting import RowGroups, check_no_overflow, plan_memory
from leadterm.errors import LeadtermError
from leadterm.pipeline.aggregation.driver import Merged, count_and_merge
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.count_cooccurrences.task import WindowsCounter
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.storage import Location, Manifest, Staging
from leadterm.storage.formats.small_tables import FREQUENCIES, VOCABULARY, frequency_table, read_table, stage_table
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite


@job(Job.COUNT_COOCCURRENCES)
def count_cooccurrences(
    session: SparkSession, config: Config, run: Location, *, overwrite: Overwrite = False, tasks: int | None = None
) -> bool:
    """Make the products ``bigram``, ``context`` and ``frequencies`` of a run.

    Parameters
    ----------
    session
        Spark.
    config
        Its section ``counting``.
    run
        The run directory; it holds ``windows`` and ``vocabulary``.
    overwrite
        Make the products anew; ``differing``: only where they were made from other windows or with other settings.
    tasks
        How many tasks count, and how many merge; by default what the cluster runs at once, or as many as memory asks
        for. The products do not depend on it.

    Returns
    -------
    bool
        False if all were there already, made from the same windows with the same settings.

    Raises
    ------
    RunError
        If the windows are missing or damaged, or the run directory holds another run.
    CountOverflowError
        If a sum might not fit int64.
    """
    order = Order.of(Job.COUNT_COOCCURRENCES, config, run, overwrite=overwrite)
    windows = order.inputs[Product.WINDOWS]

    def count(stage: Staging) -> None:
        _check_overflow(order, config)
        merged = _count(session, config, run, windows, stage, tasks)
        passing = {"partials": merged.partial_bytes}
        commit_counts(stage, windows, merged, order.manifest(seconds=merged.seconds, passing_bytes=passing))

    return carry_out(order, count)


def _check_overflow(order: Order, config: Config) -> None:
    """Refuse a scale at which the most frequent token's weights might not fit, before any work."""
    windows = order.inputs[Product.WINDOWS]
    vocabulary = read_table(order.run, order.inputs[Product.VOCABULARY], VOCABULARY)
    largest = max(vocabulary["count"].to_pylist()) + windows.counts["windows"]  # a token that two windows share
    check_no_overflow(largest, windows.settings["windows"]["length"], config.counting.scale_bits)


def _count(
    session: SparkSession, config: Config, run: Location, windows: Manifest, stage: Staging, tasks: int | None
) -> Merged:
    """Count and merge."""
    size, length = windows.counts["vocabulary_size"], windows.settings["windows"]["length"]
    scale_bits, folder = config.counting.scale_bits, stage.folder.uri
    groups = RowGroups.divide(min(config.counting.rows_per_file, size), size)
    memory = plan_memory(config.counting.memory_per_task, size, length)
    partials = PartialsWriter(folder, groups)
    counter = WindowsCounter(
        windows=WindowsFiles.of(run, windows),
        length=length,
        memory=memory,
        partials=partials,
        vocabulary_size=size,
        scale_bits=scale_bits,
    )
    writer = MatrixWriter(folder, size, scale_bits, groups)
    return count_and_merge(session, "co-occurrences", windows, counter, writer, tasks)


def commit_counts(stage: Staging, windows: Manifest, merged: Merged, base: Manifest) -> None:
    """Check the accounts, then let the three products appear."""
    current, context = merged.vector("current_frequency"), merged.vector("context_frequency")
    matrices = {product: merged.matrix(product) for product in (Product.BIGRAM, Product.CONTEXT)}
    totals = {product: files.total for product, files in matrices.items()}
    _check_totals(totals, sum(current.tolist()), sum(context.tolist()), windows.counts["positions"])
    for product, files in matrices.items():
        counts = windows.window_counts | {"nonzeros": files.nonzeros, "total": str(files.total)}
        stage.commit(replace(base, product=product, counts=counts, files=files.entries), files.places)
    part, entry = stage_table(stage, FREQUENCIES, frequency_table(current, context))
    stage.commit(replace(base, product=Product.FREQUENCIES, counts=windows.window_counts, files=(entry,)), [part])


def _check_totals(totals: Mapping[Product, int], current: int, context: int, positions: int) -> None:
    """Check that each matrix sums to its frequency vector, and the bigrams to the positions."""
    if totals != {Product.BIGRAM: positions, Product.CONTEXT: context} or current != positions:
        raise LeadtermError(
            f"consistency check failed: the matrices sum to {totals}, the frequency vectors to {current} and {context} "
            f"and the windows hold {positions} positions. Please report this."
        )
