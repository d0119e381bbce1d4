"""The job ``attribute_pairs``: the documents behind many entries of a count matrix, by two passes of Spark."""

import logging

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.counting import reciprocal_weights
from leadterm.counting.pair_units import PairMap
from leadterm.errors import InputError
from leadterm.pipeline.attribute_pairs.pairs_file import ListedPairs
from leadterm.pipeline.attribute_pairs.shares_writer import REPORT, SharesWriter
from leadterm.pipeline.attribute_pairs.task import PAIRS_PER_FILE, SHARE, ShareFinder
from leadterm.pipeline.lifecycle import Order, Timer, carry_out, job
from leadterm.spark.task_progress import progress
from leadterm.spark.tasks import assign_places, spread
from leadterm.spark.translate_errors import readable_errors
from leadterm.storage import FileEntry, Location, Staging
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite
from leadterm.storage.require_products import require_inputs, require_manifest
from leadterm.storage.stored_run import StoredRun

logger = logging.getLogger("leadterm")


@job(Job.ATTRIBUTE_PAIRS)
def attribute_pairs(
    session: SparkSession,
    run: Location,
    pairs: ListedPairs,
    kind: PairMap = PairMap.BIGRAM,
    k: int | None = 20,
    *,
    overwrite: Overwrite = False,
    tasks: int | None = None,
) -> bool:
    """Make the product ``pair_sources`` of a run: of each pair the documents with the largest shares.

    Parameters
    ----------
    session
        Spark.
    run
        The run directory, with its windows and the places of its documents.
    pairs
        The pairs.
    kind
        Of which matrix.
    k
        How many documents of each pair; None for all.
    overwrite
        Make the product anew; ``differing``: only where it is of other pairs or another corpus.
    tasks
        How many tasks go through windows; the bytes do not depend on it.

    Returns
    -------
    bool
        False if it was there already, made from the same for the same pairs.

    Raises
    ------
    InputError
        If none of the pairs occurs, or k is less than 1.
    RunError
        If the run lacks a product, or holds the sources of other pairs.
    """
    if k is not None and k < 1:
        raise InputError(f"k is the number of documents, at least 1, or None for all of them; found {k}")
    inputs = require_inputs(run, Job.ATTRIBUTE_PAIRS)
    made_from = {str(name): inputs[name].content_hash for name in Job.ATTRIBUTE_PAIRS.made_from}
    scale_bits = int(require_manifest(run, Product.CONTEXT).settings["scale_bits"])
    settings = {"pairs": pairs.sha256, "map": kind.name.lower(), "k": k, "scale_bits": scale_bits}
    order = Order(Job.ATTRIBUTE_PAIRS, run, made_from, settings, inputs, overwrite)

    def find(stage: Staging) -> None:
        timer, weights = Timer(), reciprocal_weights(inputs[Product.WINDOWS].settings["windows"]["length"], scale_bits)
        found = _find(session, order, pairs.ids, kind, k, weights, stage, tasks)
        _commit(stage, order, found, len(pairs.ids), timer.lap())

    return carry_out(order, find, resumes=lambda: False)


def _find(
    session: SparkSession,
    order: Order,
    pairs: NDArray[np.int64],
    kind: PairMap,
    k: int | None,
    weights: NDArray[np.int64],
    stage: Staging,
    tasks: int | None,
) -> pa.Table:
    """Go through the windows, bring the shares of each pair together, and write them; a report per file."""
    run, windows = order.run, WindowsFiles.of(order.run, order.inputs[Product.WINDOWS])
    occurrences = StoredRun(run).vocabulary["count"].to_numpy()
    finder = ShareFinder(run.uri, windows, order.inputs[Product.DOCUMENTS], pairs, kind, k, occurrences, weights)
    names = list(windows.files)
    n_tasks = min(tasks or session.sparkContext.defaultParallelism, len(names))
    assigned = assign_places(names, -(-len(names) // n_tasks))
    n_files = -(-len(pairs) // PAIRS_PER_FILE)
    shares = spread(session, assigned, finder, SHARE).repartitionById(n_files, "block")
    ordered = shares.sortWithinPartitions("pair", "rank", "document")
    writer = SharesWriter(run.uri, stage.folder.uri, pairs, k)
    with progress(session, "find documents behind pairs"), readable_errors():
        found: pa.Table = ordered.mapInArrow(writer, from_arrow_schema(REPORT)).toArrow()
    return found.cast(REPORT)


def _commit(stage: Staging, order: Order, found: pa.Table, n_pairs: int, seconds: float) -> None:
    """Let the product appear.

    Raises
    ------
    InputError
        If none of the pairs occurs.
    """
    rows = found.sort_by("name").to_pylist()
    n_found = sum(row["pairs"] for row in rows)
    if not n_found:
        raise InputError(f"none of the {n_pairs:,} pairs occurs in {order.run}: no document is behind them")
    if n_found < n_pairs:
        logger.warning("%s of the %s pairs never occur: no document is behind them", n_pairs - n_found, n_pairs)
    entries = tuple(FileEntry(row["name"], row["bytes"], row["sha256"]) for row in rows)
    places = [(Location.of(row["place"]), row["name"]) for row in rows]
    counts = {"pairs": n_pairs, "occurring": n_found, "shares": sum(row["rows"] for row in rows)}
    manifest = order.manifest(Product.PAIR_SOURCES, counts=counts, files=entries, seconds={"find": seconds})
    stage.commit(manifest, places)
