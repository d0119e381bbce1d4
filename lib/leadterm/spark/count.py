"""The job ``count_cooccurrences``: windows become the bigram and context matrices and both frequency vectors."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from leadterm.config import Config
from leadterm.counting import check_no_overflow, plan_memory
from leadterm.errors import LeadtermError
from leadterm.spark.counting import ROWS, WindowsCounter
from leadterm.spark.dealing import deal_out, number_of_tasks
from leadterm.spark.failures import readable_errors
from leadterm.spark.merging import REPORT, MatrixWriter
from leadterm.spark.progress import progress
from leadterm.store import FileEntry, Location, Manifest, Staging, is_current, require_manifest, staging
from leadterm.store.tables import FREQUENCIES, VOCABULARY, frequency_table, read_table, stage_table

PRODUCTS = ("bigram", "context", "frequencies")


def count_cooccurrences(
    session: SparkSession, config: Config, run: Location, *, overwrite: bool = False, tasks: int | None = None
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
        Replace products that were made from other windows or with other settings.
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
    windows = require_manifest(run, "windows", "encode_corpus")
    require_manifest(run, "vocabulary", "encode_corpus")
    made_from = {"windows": windows.content_hash}
    settings = {"scale_bits": config.counting.scale_bits, "rows_per_file": config.counting.rows_per_file}
    current = [is_current(run, product, made_from, settings, overwrite=overwrite) for product in PRODUCTS]
    if all(current):
        return False
    _check_overflow(run, windows, config)
    started = time.monotonic()
    with readable_errors(), staging(run) as stage:
        reports = _count(session, config, run, windows, stage, tasks)
        seconds = {"count": time.monotonic() - started}
        _commit(stage, windows, reports, Manifest("", made_from, settings, {}, (), seconds))
    return True


def _check_overflow(run: Location, windows: Manifest, config: Config) -> None:
    """Refuse a scale at which the most frequent token's weights might not fit, before any work."""
    vocabulary = read_table(run, require_manifest(run, "vocabulary", "encode_corpus"), VOCABULARY)
    largest = max(vocabulary["count"].to_pylist()) + windows.counts["windows"]  # a token that two windows share
    check_no_overflow(largest, windows.settings["windows"]["length"], config.counting.scale_bits)


def _count(
    session: SparkSession, config: Config, run: Location, windows: Manifest, stage: Staging, tasks: int | None
) -> pa.Table:
    """Count, shuffle and merge; a report per matrix file and frequency vector."""
    size, length = windows.counts["vocabulary_size"], windows.settings["windows"]["length"]
    counting = config.counting
    memory = plan_memory(counting.memory_per_task, size, length)
    blocks = -(-size // counting.rows_per_file)
    parts = min(blocks, tasks or 2 * session.sparkContext.defaultParallelism)
    counter = WindowsCounter(
        (run / "windows").uri, size, length, counting.scale_bits, memory, counting.rows_per_file, parts
    )
    writer = MatrixWriter(stage.folder.uri, size, counting.scale_bits, counting.rows_per_file, memory.batch_entries)
    n_tasks = tasks or number_of_tasks(session, windows, memory.unit_tokens)
    rows = deal_out(session, windows, n_tasks).mapInArrow(counter, ROWS)
    merged = rows.repartitionById(parts, "part").sortWithinPartitions("key").mapInArrow(writer, REPORT)
    with progress(session, "count co-occurrences"), readable_errors():
        reports: pa.Table = merged.toArrow()
    return reports


def _commit(stage: Staging, windows: Manifest, reports: pa.Table, base: Manifest) -> None:
    """Check the accounts, then let the three products appear."""
    rows = sorted(reports.to_pylist(), key=lambda row: row["name"] or "")
    current, context = (
        next(np.frombuffer(row["vector"], dtype=np.int64) for row in rows if row["product"] == name)
        for name in ("current_frequency", "context_frequency")
    )
    files = {product: [row for row in rows if row["product"] == product] for product in ("bigram", "context")}
    totals = {product: sum(int(row["total"]) for row in listed) for product, listed in files.items()}
    _check_totals(totals, sum(current.tolist()), sum(context.tolist()), windows.counts["positions"])
    for product, listed in files.items():
        counts = _counts(windows) | {
            "nonzeros": sum(row["nonzeros"] for row in listed),
            "total": str(totals[product]),
        }
        entries = tuple(FileEntry(row["name"], row["bytes"], row["sha256"], {"rows": row["rows"]}) for row in listed)
        places = [(Location.of(row["place"]), row["name"]) for row in listed]
        stage.commit(replace(base, product=product, counts=counts, files=entries), places)
    part, entry = stage_table(stage, FREQUENCIES, frequency_table(current, context))
    stage.commit(replace(base, product="frequencies", counts=_counts(windows), files=(entry,)), [part])


def _check_totals(totals: dict[str, int], current: int, context: int, positions: int) -> None:
    """Balance the books: each matrix sums to its frequency vector, and the bigrams to the positions."""
    if totals != {"bigram": positions, "context": context} or current != positions:
        raise LeadtermError(
            f"the books do not balance: the matrices sum to {totals}, the frequency vectors to {current} and {context} "
            f"and the windows hold {positions} positions. Please report this."
        )


def _counts(windows: Manifest) -> dict[str, Any]:
    """Repeat what readers of a matrix need of the windows' accounts."""
    return {key: windows.counts[key] for key in ("vocabulary_size", "windows", "positions")}
