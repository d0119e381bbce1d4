"""The job ``shuffle_corpus``: the windows of a run with their tokens in random order, as a run of its own."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import SHUFFLED_RUN, Product
from leadterm.config import Config
from leadterm.errors import LeadtermError, RunError
from leadterm.pipeline.encode_corpus.windows_writer import REPORT_ROW, sum_vectors, written_files
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.pipeline.shuffle_corpus.shuffled_corpus import ShuffledCorpus
from leadterm.pipeline.shuffle_corpus.task import SHARED, SharedCounter, ShuffledFinder, WindowsShuffler
from leadterm.spark.tasks import assign_places, run_tasks
from leadterm.storage import FileEntry, Location, Manifest, Staging
from leadterm.storage.formats.small_tables import VOCABULARY, read_table, stage_bytes
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite, read_verified
from leadterm.telemetry.progress import titled

logger = logging.getLogger("leadterm")


@job(Job.SHUFFLE_CORPUS)
def shuffle_corpus(
    session: SparkSession, config: Config, run: Location, *, overwrite: Overwrite = False, tasks: int | None = None
) -> bool:
    """Make ``<run>/shuffled``, a run of the same documents and windows whose tokens were shuffled over all of them.

    How often each token occurs is kept, and so is the length of every window; all order is gone. A token that two
    windows of a document share is one, as if the text had been shuffled before it was cut. The other jobs then count
    this run as any other.

    Parameters
    ----------
    session
        Spark.
    config
        Its key ``alignment.shuffled_seed``.
    run
        The run directory; it holds ``windows`` and ``vocabulary``.
    overwrite
        Make the shuffled run anew; ``differing``: only if it was made from other windows or with another seed.
    tasks
        How many tasks there are at most; by default one for each file of windows. The bytes do not depend on it.

    Returns
    -------
    bool
        False if it was there already, made from the same windows with the same seed.

    Raises
    ------
    RunError
        If the windows are missing or damaged, or ``<run>/shuffled`` holds another run.
    """
    wanted = Order.of(Job.SHUFFLE_CORPUS, config, run, overwrite=overwrite)
    windows, vocabulary = wanted.inputs[Product.WINDOWS], wanted.inputs[Product.VOCABULARY]
    seed = wanted.settings.get("shuffled_seed", 0)
    settings = {**windows.settings, "shuffled": {"seed": seed}}
    shuffled = replace(wanted, run=run / SHUFFLED_RUN, settings=settings, products=(Product.WINDOWS,))
    copied = replace(
        shuffled,
        made_from={str(Product.VOCABULARY): vocabulary.content_hash},
        settings=vocabulary.settings,
        products=(Product.VOCABULARY,),
    )

    def shuffle(stage: Staging) -> None:
        started = time.monotonic()
        counts = read_table(run, vocabulary, VOCABULARY)["count"].to_numpy()
        reports = _shuffle(session, run, windows, stage, counts, seed, tasks)
        entries, places = _checked_files(windows, counts, reports)
        _copy_vocabulary(
            run, stage, copied.manifest(Product.VOCABULARY, counts=vocabulary.counts, files=vocabulary.files)
        )
        seconds = {"shuffle": time.monotonic() - started}
        made = shuffled.manifest(Product.WINDOWS, counts=windows.counts, files=entries, seconds=seconds)
        stage.commit(made, places)

    return carry_out(shuffled, shuffle, also=(copied,))


def _shuffle(
    session: SparkSession,
    run: Location,
    windows: Manifest,
    stage: Staging,
    counts: NDArray[np.int64],
    seed: int,
    tasks: int | None,
) -> pa.Table:
    """Write the shuffled files into the staging folder, but for those that are there; a report per file."""
    source, names = WindowsFiles.of(run, windows), [entry.name for entry in windows.files]
    per_task = -(-len(names) // tasks) if tasks else 1
    found = _found(session, stage, names)
    if len(found):
        logger.info("%s: %d of %d files had already been shuffled", titled("shuffle windows"), len(found), len(names))
    starts = _starts(session, assign_places(names, per_task), source, windows, counts)
    rest = sorted(set(names) - set(found["name"].to_pylist()))
    if not rest:
        return found
    shuffler = WindowsShuffler(source, stage.folder.uri, ShuffledCorpus(counts, seed), starts)
    written = run_tasks(session, "shuffle windows", assign_places(rest, per_task), shuffler, REPORT_ROW)
    return pa.concat_tables([found, written])


def _found(session: SparkSession, stage: Staging, names: Sequence[str]) -> pa.Table:
    """Find the files that a job that was interrupted has shuffled; a report per file."""
    there = sorted(set(names) & set(stage.parts.names()))
    if not there:
        return REPORT_ROW.empty_table()
    finder = ShuffledFinder(stage.folder.uri)
    return run_tasks(session, "inspect shuffled windows", assign_places(there, 1), finder, REPORT_ROW)


def _starts(
    session: SparkSession,
    files: Sequence[pa.RecordBatch],
    source: WindowsFiles,
    windows: Manifest,
    counts: NDArray[np.int64],
) -> dict[str, int]:
    """Number the tokens: how many lie before each file, those that two windows share counted once."""
    sizes = {entry.name: sum(entry.details["row_group_tokens"]) for entry in windows.files}
    if sum(sizes.values()) != counts.sum():  # Only where some are shared do the windows have to be looked at.
        for row in run_tasks(session, "number tokens", files, SharedCounter(source), SHARED).to_pylist():
            sizes[row["name"]] -= row["shared"]
    if sum(sizes.values()) != counts.sum():
        raise RunError(
            f"the vocabulary counts {counts.sum():,} tokens and {source.folder} holds {sum(sizes.values()):,}. "
            "Encode again."
        )
    before = np.cumsum([0, *sizes.values()]).tolist()
    return dict(zip(sizes, before, strict=False))


def _checked_files(
    windows: Manifest, counts: NDArray[np.int64], reports: pa.Table
) -> tuple[tuple[FileEntry, ...], list[tuple[Location, str]]]:
    """Check that every token is there as often as before, and every window as long."""
    entries, places = written_files(reports)
    groups = [
        [(entry.name, entry.details["row_group_tokens"]) for entry in files] for files in (entries, windows.files)
    ]
    n_windows = sum(reports["windows"].to_pylist())
    changed = int(np.count_nonzero(sum_vectors(reports["counts"]) != counts))
    if changed or groups[0] != groups[1] or n_windows != windows.counts["windows"]:
        raise LeadtermError(
            f"consistency check failed: {n_windows} of {windows.counts['windows']} windows were shuffled, "
            f"and the counts of {changed} tokens changed. Please report this."
        )
    return entries, places


def _copy_vocabulary(run: Location, stage: Staging, copied: Manifest) -> None:
    """Let the vocabulary appear beside the shuffled windows, with the tokenizer if there is one."""
    parts = [
        stage_bytes(stage, entry.name, read_verified(run, copied.product, entry).to_pybytes())[0]
        for entry in copied.files
    ]
    stage.commit(copied, parts)
