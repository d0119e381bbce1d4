"""What the job does inside an executor: files of windows and documents, without some documents or of these alone."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.pipeline.encode_corpus.windows_writer import count_tokens, documents_report, file_report, is_documents
from leadterm.pipeline.merge_runs.task import DocumentsFiles
from leadterm.storage.formats.documents_table import SCHEMA, documents_file
from leadterm.storage.formats.windows_files import WindowsFiles, windows_file
from leadterm.storage.location import Location
from leadterm.storage.read_products import PARTS


@dataclass(frozen=True)
class DocumentsFilter:
    """Writes the files that a task was assigned by name again; travels to the executors.

    Attributes
    ----------
    windows, documents
        Of the run.
    folder
        URL of the staging folder.
    vocabulary_size
        V.
    hashes
        int64 (n,): some documents, ascending.
    alone
        Whether only these are written; otherwise only the others are.
    """

    windows: WindowsFiles
    documents: DocumentsFiles
    folder: str
    vocabulary_size: int
    hashes: NDArray[np.int64]
    alone: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the files named in the batches; give a report of each that holds anything."""
        for batch in batches:
            for name in batch["place"].to_pylist():
                yield from self._write_documents(name) if is_documents(name) else self._write_windows(name)

    def _write_documents(self, name: str) -> Iterator[pa.RecordBatch]:
        """Write a file of documents."""
        place = self._place()
        with documents_file(place) as (file, sink):
            for table in self.documents.tables(name):
                file.append(pa.table(self._chosen(table).columns, schema=SCHEMA))
        if file.n_documents:
            yield documents_report(name, place, file, sink)
        else:
            place.remove()

    def _write_windows(self, name: str) -> Iterator[pa.RecordBatch]:
        """Write a file of windows; its row groups and their hashes are those that encoding makes of its windows."""
        counts, n_windows, place = np.zeros(self.vocabulary_size, dtype=np.int64), 0, self._place()
        groups = self.windows.groups_with(name, self.hashes) if self.alone else None
        with windows_file(place) as (file, sink):
            for table in self.windows.tables(name, groups=groups):
                chosen = self._chosen(table)
                lists = chosen["tokens"].combine_chunks()
                tokens = pa.ListArray.from_arrays(pa.compute.subtract(lists.offsets, lists.offsets[0]), lists.flatten())
                count_tokens(counts, tokens, chosen["window"].to_numpy())
                file.append(chosen)
                n_windows += len(chosen)
        if not n_windows:
            place.remove()
        yield file_report(name if n_windows else None, place, file, sink, n_windows, counts)

    def _chosen(self, table: pa.Table) -> pa.Table:
        """Choose the rows that are written."""
        listed = np.isin(table["document"].to_numpy(), self.hashes)
        return table.filter(pa.array(listed == self.alone)).combine_chunks()

    def _place(self) -> Location:
        """Choose a place for a file."""
        return Location.of(self.folder) / PARTS / uuid.uuid4().hex
