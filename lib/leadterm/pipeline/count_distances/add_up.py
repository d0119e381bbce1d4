"""The pairs that runs counted, added up: what counting the windows of all of them would have made."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from leadterm.catalog.products import Statistic
from leadterm.counting import RowGroups
from leadterm.pipeline.aggregation.add_matrices import RunsAdder, add_matrices
from leadterm.pipeline.count_distances.distance_layout import DistanceLayout
from leadterm.pipeline.count_distances.job import commit_distances
from leadterm.pipeline.lifecycle import Order, Timer
from leadterm.storage import Manifest, Staging
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
    """Make what counting pairs makes of the windows of all runs; see `leadterm.pipeline.count_cooccurrences.add_up`."""
    timer, size = Timer(), int(windows.counts["vocabulary_size"])
    groups = RowGroups.divide(min(order.settings["rows_per_file"], size), size)
    layout = DistanceLayout.of(size, tuple(order.settings["distances"]), groups)
    adder = RunsAdder(stage.folder.uri, size, 0, groups, layout=layout)
    merged = add_matrices(session, "distances", runs, (Statistic.DISTANCES,), adder, tasks, minus)
    commit_distances(stage, windows, merged, order.manifest(seconds={"merge": timer.lap()}))
