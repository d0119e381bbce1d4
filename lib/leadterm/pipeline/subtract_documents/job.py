"""The job ``subtract_documents``: the exact counts of a run without some of its documents."""

import hashlib
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config, parse_config
from leadterm.errors import InputError, RunError
from leadterm.pipeline.aggregation.limits import MERGING_TASKS
from leadterm.pipeline.encode_corpus import job as encode
from leadterm.pipeline.encode_corpus.inputs.source_list import without_documents
from leadterm.pipeline.encode_corpus.task import Tally
from leadterm.pipeline.encode_corpus.windows_writer import REPORT_ROW
from leadterm.pipeline.lifecycle import Order, Timer, carry_out, function_of, job
from leadterm.pipeline.merge_runs.compatibility import Part, counting_jobs
from leadterm.pipeline.merge_runs.job import tally_report, tokenizer_text
from leadterm.pipeline.merge_runs.task import DocumentsFiles
from leadterm.pipeline.subtract_documents.task import DocumentsFilter
from leadterm.spark.tasks import assign_places, run_tasks
from leadterm.storage import Location, Staging, require_manifest
from leadterm.storage.formats.documents_table import read_documents
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.read_products import Overwrite
from leadterm.storage.stored_run import StoredRun

SHOWN = 5
"""Documents that a message names."""


@job(Job.SUBTRACT_DOCUMENTS)
def subtract_documents(
    session: SparkSession,
    run: Location,
    documents: NDArray[np.int64],
    output: Location,
    *,
    overwrite: Overwrite = False,
    memory_per_task: str | int = "1GiB",
    tasks: int | None = None,
) -> bool:
    """Make the products of encoding and counting as a run without some documents would have made them.

    Windows, vocabulary counts and matrices have its bytes. The vocabulary keeps its tokens, also those that no longer
    occur. Only the windows of these documents are counted; their counts are taken away from those of the run.

    Parameters
    ----------
    session
        Spark.
    run
        The run directory, which stays as it is.
    documents
        int64 (n,): content hashes. Of equal documents, which share one, all go.
    output
        The directory of the run that is made, another one.
    overwrite
        Make the products anew; ``differing``: only where they were made from another run or without others.
    memory_per_task
        As ``counting.memory_per_task``.
    tasks
        How many tasks there are at most; the bytes do not depend on it.

    Returns
    -------
    bool
        False if all products were there already.

    Raises
    ------
    InputError
        If the run lacks a document, or would have none left.
    RunError
        If the run is not whole, or ``output`` holds another one.
    """
    if output.uri == run.uri:
        raise RunError(f"{output} is the run that documents are subtracted from. Choose another output.")
    whole, hashes = Part.of(run), np.unique(documents)
    work = _Subtraction(session, whole, hashes, _removed(whole, hashes), output, overwrite, tasks)
    did_work = carry_out(work.order, work.write_others, resumes=lambda: False)
    counted = counting_jobs([whole])
    first, *others = [work.order_of(one) for one in counted]

    def take_away(stage: Staging) -> None:
        taken = work.count_alone(stage.parts / "documents", memory_per_task)
        for one, order in zip(counted, (first, *others), strict=True):
            work.take_away(one, order, taken, stage)

    return carry_out(first, take_away, resumes=lambda: False, also=others) or did_work


def _removed(whole: Part, hashes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say what goes with some documents: a tally.

    Raises
    ------
    InputError
        If the run lacks one, or they are all that it has.
    """
    tally, held = np.zeros(len(Tally), dtype=np.int64), [np.zeros(0, dtype=np.int64)]
    for table in read_documents(whole.place, whole.manifests[Product.DOCUMENTS]):
        chosen = np.isin(table["document"].to_numpy(), hashes)
        held.append(np.unique(table["document"].to_numpy()[chosen]))
        tally[[Tally.DOCUMENTS, Tally.KEPT]] += chosen.sum()
        tally[Tally.WINDOWS] += table["windows"].to_numpy()[chosen].sum()
    if len(missing := np.setdiff1d(hashes, np.concatenate(held))):
        listed = ", ".join(map(str, missing[:SHOWN].tolist()))
        raise InputError(
            f"{whole.place} has no window of {len(missing):,} of the {len(hashes):,} documents: {listed}. Take hashes "
            "from run.documents() or run.sources() of this run."
        )
    if tally[Tally.KEPT] == whole.tally[Tally.KEPT]:
        raise InputError(f"these are all documents of {whole.place}: without them there is no run. List fewer.")
    return tally


@dataclass(frozen=True)
class _Subtraction:
    """What is subtracted from which run, and where to."""

    session: SparkSession
    whole: Part
    hashes: NDArray[np.int64]
    removed: NDArray[np.int64]
    output: Location
    overwrite: Overwrite
    tasks: int | None

    @property
    def marks(self) -> tuple[str, ...]:
        """Of all sets of documents that the result lacks."""
        mine = hashlib.sha256(self.hashes.astype("<i8").tobytes()).hexdigest()
        return tuple(sorted([*self.whole.marks, mine]))

    @property
    def order(self) -> Order:
        """Describe the corpus that is made."""
        made_from = self.whole.windows.made_from
        corpus = without_documents(self._all_files, self.marks)
        made_from = made_from | {"corpus": corpus}
        products, settings = Job.ENCODE_CORPUS.makes, self.whole.windows.settings
        return Order(
            Job.SUBTRACT_DOCUMENTS,
            self.output,
            made_from,
            settings,
            overwrite=self.overwrite,
            products=tuple(map(str, products)),
        )

    @property
    def _all_files(self) -> str:
        """The hash of the corpus before anything was subtracted from it."""
        given: str = self.whole.manifests[Product.SOURCES].counts.get(
            "all_files", self.whole.windows.made_from["corpus"]
        )
        return given

    def order_of(self, counting: Job) -> Order:
        """Describe what is made of the counts of a job."""
        windows = require_manifest(self.output, Product.WINDOWS)
        made_from, settings = (
            {str(Product.WINDOWS): windows.content_hash},
            self.whole.manifests[counting.makes[0]].settings,
        )
        return replace(self.order, made_from=made_from, settings=settings, products=tuple(map(str, counting.makes)))

    def write_others(self, stage: Staging) -> None:
        """Write the other documents."""
        tally = self.whole.tally - self.removed
        tally[Tally.POSITIONS] = 0  # Are counted; the bigrams must agree with them in the end.
        self._write(stage, self.order, tally, alone=False)

    def count_alone(self, part: Location, memory_per_task: str | int) -> StoredRun:
        """Make a run of the documents alone, and count it."""
        order = replace(self.order, run=part, overwrite="differing")
        tally = self.removed.copy()
        carry_out(order, lambda stage: self._write(stage, order, tally, alone=True), resumes=lambda: False)
        for one in counting_jobs([self.whole]):
            config = self._config(one, memory_per_task)
            function_of(one)(self.session, config, part, overwrite="differing", tasks=self.tasks)
        return StoredRun(part)

    def take_away(self, counting: Job, order: Order, taken: StoredRun, stage: Staging) -> None:
        """Take what a job counted in the documents away."""
        add_up = import_module(f"leadterm.pipeline.{counting}.add_up").add_up
        windows = require_manifest(self.output, Product.WINDOWS)
        add_up(self.session, [self.whole.run], windows, order, stage, self.tasks, minus=[taken])

    def _write(self, stage: Staging, order: Order, tally: NDArray[np.int64], *, alone: bool) -> None:
        """Write the documents, or all others, as a corpus."""
        timer, run = Timer(), self.whole.run
        names = [
            entry.name for one in (Product.WINDOWS, Product.DOCUMENTS) for entry in self.whole.manifests[one].files
        ]
        n_tasks = self.tasks or MERGING_TASKS * self.session.sparkContext.defaultParallelism
        assigned = assign_places(names, -(-len(names) // n_tasks))
        what = "copy documents to be subtracted" if alone else "copy the other documents"
        reports = run_tasks(self.session, what, assigned, self._filter(stage, alone=alone), REPORT_ROW)
        tally[Tally.POSITIONS] = sum(reports["tokens"].to_pylist()) - sum(reports["windows"].to_pylist())
        reports = pa.concat_tables([tally_report(tally, run.vocabulary_size), reports])
        counts = self.whole.windows.counts
        dropped = 0 if alone else sum(n for reason, n in counts["dropped"].items())
        unselected = None if alone else counts["dropped"].get("where")
        left_out = self.whole.manifests[Product.SOURCES].counts["left_out"]
        records = int(tally[Tally.KEPT]) + dropped
        corpus = encode.Corpus(run.source_files, left_out, records, unselected, self.marks, self._all_files)
        base = order.manifest(seconds={"subtract": timer.lap()})
        vocabulary = run.vocabulary["token"].to_pylist(), tokenizer_text(self.whole)
        encode.commit_corpus(stage, corpus, *vocabulary, reports, base, self.whole.windows.encoded_by)

    def _filter(self, stage: Staging, *, alone: bool) -> DocumentsFilter:
        """Describe what tasks do."""
        whole, places = self.whole, self.whole.manifests[Product.DOCUMENTS]
        numbers = np.arange(len(whole.run.source_files), dtype=np.int32)
        documents = DocumentsFiles(
            (whole.place / Product.DOCUMENTS).uri, {entry.name: entry.sha256 for entry in places.files}, numbers
        )
        windows = WindowsFiles.of(whole.place, whole.windows)
        return DocumentsFilter(windows, documents, stage.folder.uri, whole.run.vocabulary_size, self.hashes, alone)

    def _config(self, counting: Job, memory_per_task: str | int) -> Config:
        """Describe how the documents alone are counted: as the run was."""
        settings = self.whole.manifests[counting.makes[0]].settings
        keys = [key.partition(".")[2] for key in counting.keys]
        return parse_config(
            {
                "corpus": {"paths": [self.whole.place.uri], "ids_column": "none: its windows are there"},
                "tokenizer": {"kind": "ids", "vocabulary_size": self.whole.run.vocabulary_size},
                "counting": {"memory_per_task": memory_per_task} | {key: settings[key] for key in keys},
            }
        )
