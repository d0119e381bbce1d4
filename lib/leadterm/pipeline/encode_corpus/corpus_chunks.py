"""Goes through a large corpus a chunk of its files after the other: a job that is interrupted loses one chunk at most.

Spark's shuffle is lost with the driver. So what comes of a chunk goes to files of its own, and a report beside them
says that the chunk is finished. Of encoding these are sorted windows, a file for each bucket. In the end the files of
a bucket are merged to one, which has the bytes that it would have if all had been encoded together.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from leadterm.pipeline.encode_corpus.inputs.open_corpus import Documents
from leadterm.pipeline.encode_corpus.windows_writer import (
    REPORT_ROW,
    documents_report,
    file_report,
    is_documents,
    sum_vectors,
)
from leadterm.spark.tasks import assign, run_tasks
from leadterm.storage.formats.documents_table import documents_file
from leadterm.storage.formats.parquet_io import read_groups
from leadterm.storage.formats.sorted_merge import DOCUMENTS, WINDOWS, merge_sorted
from leadterm.storage.formats.windows_files import windows_file
from leadterm.storage.location import Location
from leadterm.storage.staged.part_reports import drop_others, finish, finished
from leadterm.telemetry.progress import titled

CHUNK_BYTES = 2**30
"""Of input files, as they lie on the disk; a larger file is a chunk of its own. A corpus of one chunk is encoded
at once, without this: to merge, all windows are written and read once more."""
CHUNKS = 32
"""Of a larger corpus, chunks grow, so that their number stays below 2 · 32 + 2: merging holds a row group of each."""

logger = logging.getLogger("leadterm")
ChunkWork = Callable[[Documents, str], pa.Table]
"""Does something with documents, under a description, and gives a report of each file that came of it."""


@dataclass(frozen=True)
class Chunks:
    """A corpus that is gone through a chunk of its files after the other.

    Attributes
    ----------
    documents
        The corpus.
    files
        Its files, divided.
    folder
        Where the files lie that come of it, and nothing else.
    """

    documents: Documents
    files: Sequence[Sequence[str]]
    folder: Location

    @property
    def session(self) -> SparkSession:
        """Spark."""
        return self.documents.session

    def each(self, what: str, done: str, work: ChunkWork) -> list[pa.Table]:
        """Do some work for each chunk for which it was not done before.

        Parameters
        ----------
        what, done
            The work, and what was done then: "encode documents", "encoded".
        work
            Writes files into the folder.

        Returns
        -------
        list
            The report of each chunk, in any order.

        Raises
        ------
        InputError
            If files of a chunk change while they are read.
        """
        # Numbered, because chunks may hold the same.
        names = [f"chunk-{number}-{self.documents.digest(files)}" for number, files in enumerate(self.files)]
        found = {name: report for name in names if (report := finished(self.folder, name)) is not None}
        drop_others(self.folder, found)
        if found:
            logger.info("%s: %d of %d chunks had already been %s", titled(what), len(found), len(names), done)
        try:
            for number, (files, name) in enumerate(zip(self.files, names, strict=True), 1):
                if name not in found:
                    with self.documents.unchanged(files):
                        report = work(self.documents.only(files), f"{what}, chunk {number} of {len(names)}")
                    finish(self.folder, name, report)
                    found[name] = report
        finally:
            drop_others(self.folder, found)
        return list(found.values())


def encode_chunks(chunks: Chunks, encode: ChunkWork) -> pa.Table:
    """Encode what was not encoded before, and merge; gives a report of each file, as if it had been done at once."""
    reports = chunks.each("encode documents", "encoded", encode)
    return _merge(chunks.session, pa.concat_tables(reports), chunks.folder)


def _merge(session: SparkSession, reports: pa.Table, folder: Location) -> pa.Table:
    """Merge the files of each bucket; the tallies and counts of all chunks come with the first report."""
    rows = [row for row in reports.to_pylist() if row["name"] is not None]
    if not rows:
        return reports
    names, places = ([row[key] for row in rows] for key in ("name", "place"))
    files = pa.RecordBatch.from_pydict({"name": names, "place": places})
    assigned = assign(files, np.unique(names, return_inverse=True)[1])
    merged = run_tasks(session, "merge chunks", assigned, ChunksMerger(folder.uri), REPORT_ROW)
    for name in ("tally", "counts"):
        total = sum_vectors(reports[name]).tobytes()
        column = pa.array([total, *[b""] * (len(merged) - 1)], pa.binary())
        merged = merged.set_column(merged.schema.get_field_index(name), name, column)
    return merged


@dataclass(frozen=True)
class ChunksMerger:
    """Merges the files of a bucket, of windows and of documents; travels to the executors.

    Attributes
    ----------
    folder
        URL of where it writes.
    """

    folder: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Merge the files named in the batches; give a report of each."""
        rows = [row for batch in batches for row in batch.to_pylist()]
        for name in sorted({row["name"] for row in rows}):
            merge = merged_documents if is_documents(name) else merged_windows
            parts = [read_groups(Location.of(row["place"])) for row in rows if row["name"] == name]
            yield merge(name, Location.of(self.folder) / uuid.uuid4().hex, parts)


def merged_windows(name: str, place: Location, parts: Sequence[Iterator[pa.Table]]) -> pa.RecordBatch:
    """Write the windows of one bucket, whose tokens were counted before."""
    n_windows = 0
    with windows_file(place) as (file, sink):
        for windows in merge_sorted(parts, WINDOWS):
            file.append(windows)
            n_windows += len(windows)
    return file_report(name, place, file, sink, n_windows, np.zeros(0, dtype=np.int64))


def merged_documents(name: str, place: Location, parts: Sequence[Iterator[pa.Table]]) -> pa.RecordBatch:
    """Write the documents of one bucket."""
    with documents_file(place) as (file, sink):
        for documents in merge_sorted(parts, DOCUMENTS):
            file.append(documents)
    return documents_report(name, place, file, sink)


def divide(documents: Documents, n_bytes: int) -> list[list[str]]:
    """Divide the files of a corpus, in order, into chunks of this many bytes or more; one, if it is read in part."""
    chunks: list[list[str]] = [[]]
    sizes, filled = [size or 0 for size in documents.sources["bytes"].to_pylist()], 0
    most = max(n_bytes, sum(sizes) // CHUNKS)
    for file, size in zip(documents.sources["path"].to_pylist(), sizes, strict=True):
        if chunks[-1] and filled + size > most and not documents.is_limited:
            chunks.append([])
            filled = 0
        chunks[-1].append(file)
        filled += size
    return chunks
