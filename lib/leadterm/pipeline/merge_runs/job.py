"""The job ``merge_runs``: runs over different files, counted apart, become the run over all of them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.errors import LeadtermError
from leadterm.pipeline.aggregation.limits import MERGING_TASKS
from leadterm.pipeline.encode_corpus import job as encode
from leadterm.pipeline.encode_corpus.encoded_by import joined
from leadterm.pipeline.encode_corpus.inputs.source_list import (
    join_sources,
    numbers_of,
    sources_hash,
    without_documents,
)
from leadterm.pipeline.encode_corpus.windows_writer import REPORT_ROW, sum_vectors
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.pipeline.merge_runs.compatibility import Part, check_sums, counting_jobs, open_parts
from leadterm.pipeline.merge_runs.task import DocumentsFiles, WindowsJoiner
from leadterm.spark.tasks import assign_places, run_tasks
from leadterm.storage import Location, Manifest, Staging, require_manifest
from leadterm.storage.formats.small_tables import TOKENIZER
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite, read_verified


@job(Job.MERGE_RUNS)
def merge_runs(
    session: SparkSession,
    runs: Sequence[Location],
    output: Location,
    *,
    overwrite: Overwrite = False,
    tasks: int | None = None,
) -> bool:
    """Add runs up: the products of encoding and counting, as one run over the files of all would have made them.

    Parameters
    ----------
    session
        Spark.
    runs
        Their directories: runs with the same vocabulary and settings, over different files.
    output
        The directory of the run that is made, which is none of these.
    overwrite
        Make the products anew; ``differing``: only where they were made from other files or with other settings.
    tasks
        How many tasks there are at most; the bytes do not depend on it.

    Returns
    -------
    bool
        False if all products were there already, made from the same files with the same settings.

    Raises
    ------
    InputError
        If a file would be counted twice; names it.
    RunError
        If the runs differ in more than their files, are not whole, or ``output`` holds another run.
    CountOverflowError
        If a sum might not fit int64.
    """
    parts = open_parts(runs, output)
    copies_count = parts[0].windows.settings["corpus"]["copies"] == "count"
    sources = join_sources([part.run.source_files for part in parts], copies_count=copies_count)
    corpus = without_documents(sources_hash(sources, ordered=False), _marks(parts))
    made_from = parts[0].windows.made_from | {"corpus": corpus}
    settings = parts[0].windows.settings
    counted = [part for part in parts if part.is_counted]
    corpora = Order(Job.MERGE_RUNS, output, made_from, settings, overwrite=overwrite, products=Job.ENCODE_CORPUS.makes)

    def join(stage: Staging) -> None:
        check_sums(parts, counted)
        _join_corpora(session, parts, sources, corpora, stage, tasks)

    did_work = carry_out(corpora, join, resumes=lambda: False)
    if not counted:
        return did_work
    for name in counting_jobs(counted):
        did_work |= _add_up(session, name, counted, corpora, tasks)
    return did_work


def _add_up(session: SparkSession, name: Job, parts: Sequence[Part], corpora: Order, tasks: int | None) -> bool:
    """Add up what a job counted in the windows of each run."""
    windows = require_manifest(corpora.run, Product.WINDOWS)
    made_from = {str(Product.WINDOWS): windows.content_hash}
    settings = parts[0].manifests[name.makes[0]].settings
    order = replace(corpora, made_from=made_from, settings=settings, products=name.makes)
    add_up = import_module(f"leadterm.pipeline.{name}.add_up").add_up
    runs = [part.run for part in parts]
    return carry_out(order, lambda stage: add_up(session, runs, windows, order, stage, tasks), resumes=lambda: False)


def _join_corpora(
    session: SparkSession, parts: Sequence[Part], sources: pa.Table, order: Order, stage: Staging, tasks: int | None
) -> None:
    """Make what encoding makes."""
    started, run = time.monotonic(), parts[0].run
    token_counts = np.sum([part.token_counts for part in parts], axis=0)
    windows = tuple(WindowsFiles.of(part.place, part.windows) for part in parts)
    documents = _documents(parts)
    joiner = WindowsJoiner(windows, stage.folder.uri, run.vocabulary_size, documents)
    reports = tally_report(np.sum([part.tally for part in parts], axis=0), run.vocabulary_size)
    if names := sorted({*_names(windows), *_names(documents)}):
        n_tasks = tasks or MERGING_TASKS * session.sparkContext.defaultParallelism
        assigned = assign_places(names, -(-len(names) // n_tasks))
        reports = pa.concat_tables([reports, run_tasks(session, "merge windows", assigned, joiner, REPORT_ROW)])
    if np.any(sum_vectors(reports["counts"]) != token_counts):
        raise LeadtermError(
            "consistency check failed: token counts differ from those in the vocabularies of the runs. Look "
            "for damage with leadterm check RUN, or report this as a bug."
        )
    names, text = run.vocabulary["token"].to_pylist(), tokenizer_text(parts[0])
    timed = _timed(order, started)
    left_out = sum(part.manifests[Product.SOURCES].counts["left_out"] for part in parts)
    records = sum(part.windows.counts["documents"] for part in parts)
    unselected = [part.windows.counts["dropped"].get("where") for part in parts]
    dropped = None if None in unselected else sum(unselected)
    all_files = sources_hash(sources, ordered=False)
    corpus = encode.Corpus(sources, left_out, records, dropped, _marks(parts), all_files)
    told = joined([part.windows.encoded_by for part in parts])
    encode.commit_corpus(stage, corpus, names, text, reports, timed, told, may_be_empty=True)


def _marks(parts: Sequence[Part]) -> tuple[str, ...]:
    """List what was subtracted from the runs."""
    return tuple(sorted(mark for part in parts for mark in part.marks))


def _names(files: Sequence[WindowsFiles | DocumentsFiles]) -> list[str]:
    """Name the files of several runs."""
    return [name for found in files for name in found.files]


def _documents(parts: Sequence[Part]) -> tuple[DocumentsFiles, ...]:
    """Say where the documents of each run lie, and how its source files are numbered in the whole."""
    numbers = numbers_of([part.run.source_files for part in parts])
    return tuple(
        DocumentsFiles(
            (part.place / Product.DOCUMENTS).uri,
            {entry.name: entry.sha256 for entry in part.manifests[Product.DOCUMENTS].files},
            mine,
        )
        for part, mine in zip(parts, numbers, strict=True)
    )


def tally_report(tally: NDArray[np.int64], size: int) -> pa.Table:
    """Lay out what became of all documents as the report of a task that wrote no file."""
    nothing = np.zeros(size, dtype=np.int64)
    row = {"bytes": 0, "groups": [], "windows": 0, "tokens": 0, "documents": 0}
    row |= {"tally": tally.tobytes(), "counts": nothing.tobytes()}
    return pa.Table.from_pylist([row], schema=REPORT_ROW)


def tokenizer_text(part: Part) -> str | None:
    """Read the tokenizer.json of a run, if it has one."""
    entries = [entry for entry in part.manifests[Product.VOCABULARY].files if entry.name == TOKENIZER]
    return read_verified(part.place, Product.VOCABULARY, entries[0]).to_pybytes().decode() if entries else None


def _timed(order: Order, started: float) -> Manifest:
    """Make what the manifests share, with the time that the work took."""
    return order.manifest(seconds={"merge": time.monotonic() - started})
