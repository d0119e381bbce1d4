"""The two-hop counts of runs, added up: what counting the windows of all of them would have made."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from leadterm.catalog.products import Product, Statistic
from leadterm.counting import RowGroups
from leadterm.pipeline.aggregation.add_matrices import RunsAdder, add_matrices
from leadterm.pipeline.count_two_hops.job import commit_two_hops
from leadterm.pipeline.lifecycle import Order, Timer
from leadterm.storage import Manifest, Staging, require_manifest
from leadterm.storage.stored_run import StoredRun


def add_up(
    session: SparkSession,
    runs: Sequence[StoredRun],
    windows: Manifest,
    order: Order,
    stage: Staging,
    tasks: int | None,
    minus: Sequence[StoredRun] = (),
) -> None:
    """Make what counting two hops makes of the windows of all runs; see `...count_cooccurrences.add_up`."""
    timer, size = Timer(), int(windows.counts["vocabulary_size"])
    groups = RowGroups.divide(min(order.settings["rows_per_file"], size), size)
    adder = RunsAdder(stage.folder.uri, size, order.settings["scale_bits"], groups)
    matrices = (Statistic.TWO_HOP, Statistic.CURRENT_CONTEXT)
    merged = add_matrices(session, "two hops", runs, matrices, adder, tasks, minus)
    context = require_manifest(order.run, Product.CONTEXT)
    commit_two_hops(stage, windows, context, merged, order.manifest(seconds={"merge": timer.lap()}))
