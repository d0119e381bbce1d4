"""The job ``count_cooccurrences``: windows become the bigram and context matrices and both frequency vectors."""

from dataclasses import replace

from pyspark.sql import SparkSession

from leadterm.config import Config
from leadterm.counting import RowGroups, check_no_overflow, plan_memory
from leadterm.errors import LeadtermError
from leadterm.pipeline.aggregation.driver import Merged, count_and_merge
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.count_cooccurrences.task import WindowsCounter
from leadterm.spark.translate_errors import readable_errors
from leadterm.storage import Location, Manifest, Stage, Staging, forget, is_current, require_manifest, staging
from leadterm.storage.formats.small_tables import FREQUENCIES, VOCABULARY, frequency_table, read_table, stage_table
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite
from leadterm.storage.require_products import require_inputs

JOB = "count_cooccurrences"
PRODUCTS = ("bigram", "context", "frequencies")


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
    windows = require_inputs(run, JOB)["windows"]
    made_from = {"windows": windows.content_hash}
    settings = {"scale_bits": config.counting.scale_bits, "rows_per_file": config.counting.rows_per_file}
    current = [is_current(run, product, made_from, settings, overwrite=overwrite) for product in PRODUCTS]
    if all(current):
        forget(run, JOB)
        return False
    _check_overflow(run, windows, config)
    with staging(run, Stage(JOB, made_from, settings)) as stage, readable_errors():
        merged = _count(session, config, run, windows, stage, tasks)
        base = Manifest("", made_from, settings, {}, (), merged.seconds, {"partials": merged.partial_bytes})
        commit_counts(stage, windows, merged, base)
    return True


def _check_overflow(run: Location, windows: Manifest, config: Config) -> None:
    """Refuse a scale at which the most frequent token's weights might not fit, before any work."""
    vocabulary = read_table(run, require_manifest(run, "vocabulary"), VOCABULARY)
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
    counter = WindowsCounter(WindowsFiles.of(run, windows), size, length, scale_bits, memory, partials)
    writer = MatrixWriter(folder, size, scale_bits, groups)
    return count_and_merge(session, "co-occurrences", windows, counter, writer, tasks)


def commit_counts(stage: Staging, windows: Manifest, merged: Merged, base: Manifest) -> None:
    """Check the accounts, then let the three products appear."""
    current, context = merged.vector("current_frequency"), merged.vector("context_frequency")
    matrices = {product: merged.matrix(product) for product in ("bigram", "context")}
    totals = {product: files.total for product, files in matrices.items()}
    _check_totals(totals, sum(current.tolist()), sum(context.tolist()), windows.counts["positions"])
    for product, files in matrices.items():
        counts = windows.window_counts | {"nonzeros": files.nonzeros, "total": str(files.total)}
        stage.commit(replace(base, product=product, counts=counts, files=files.entries), files.places)
    part, entry = stage_table(stage, FREQUENCIES, frequency_table(current, context))
    stage.commit(replace(base, product="frequencies", counts=windows.window_counts, files=(entry,)), [part])


def _check_totals(totals: dict[str, int], current: int, context: int, positions: int) -> None:
    """Balance the books: each matrix sums to its frequency vector, and the bigrams to the positions."""
    if totals != {"bigram": positions, "context": context} or current != positions:
        raise LeadtermError(
            f"the books do not balance: the matrices sum to {totals}, the frequency vectors to {current} and {context} "
            f"and the windows hold {positions} positions. Please report this."
        )
