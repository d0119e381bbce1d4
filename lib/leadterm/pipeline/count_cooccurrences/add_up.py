"""The counts of runs, added up: what counting the windows of all of them would have made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from leadterm.catalog.products import Product, Statistic
from leadterm.counting import RowGroups
from leadterm.errors import CountOverflowError
from leadterm.pipeline.aggregation.add_matrices import RunsAdder, add_matrices
from leadterm.pipeline.aggregation.task import FILE_REPORT
from leadterm.pipeline.count_cooccurrences.job import commit_counts
from leadterm.pipeline.lifecycle import Order, Timer
from leadterm.storage import Manifest, Staging
from leadterm.storage.formats.small_tables import FREQUENCIES, read_table
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
    """Make what counting makes of the windows of all runs, less those of others that are among them.

    Parameters
    ----------
    session
        Spark.
    runs
        With their counts, made with the settings of ``order``.
    windows
        Of all of them.
    order, stage, tasks
        What is made, where, and in how many tasks.
    minus
        With their counts too, which are taken away.

    Raises
    ------
    CountOverflowError
        If a sum does not fit int64.
    """
    timer, size = Timer(), int(windows.counts["vocabulary_size"])
    groups = RowGroups.divide(order.settings["rows_per_file"], size)
    adder = RunsAdder(stage.folder.uri, size, order.settings["scale_bits"], groups)
    merged = add_matrices(session, "co-occurrences", runs, (Statistic.BIGRAM, Statistic.CONTEXT), adder, tasks, minus)
    vectors = [dict.fromkeys(FILE_REPORT.names) | row for row in _sum_frequencies(runs, minus)]
    whole = replace(merged, reports=merged.reports + vectors)
    commit_counts(stage, windows, whole, order.manifest(seconds={"merge": timer.lap()}))


def _sum_frequencies(runs: Sequence[StoredRun], minus: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """Add up the frequency vectors, as reports of tasks that merge."""
    signs = [*[1] * len(runs), *[-1] * len(minus)]
    tables = [read_table(run.location, run.manifest(Product.FREQUENCIES), FREQUENCIES) for run in (*runs, *minus)]
    rows = []
    for column in ("current", "context"):
        vectors = (sign * table[column].to_numpy().astype(object) for sign, table in zip(signs, tables, strict=True))
        total = np.sum(list(vectors), axis=0)
        if max(total) >= 2**63:
            raise CountOverflowError(
                f"a {column} frequency does not fit 64 bits: lower counting.scale_bits in the config"
            )
        rows.append({"product": f"{column}_frequency", "vector": total.astype(np.int64).tobytes()})
    return rows
