"""What a merge of runs does inside an executor: files of windows, and blocks of matrix rows, of several runs to one."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.errors import RunError
from leadterm.pipeline.encode_corpus.corpus_chunks import merged_documents
from leadterm.pipeline.encode_corpus.task import Tally
from leadterm.pipeline.encode_corpus.windows_writer import count_tokens, file_report, is_documents
from leadterm.storage.formats.parquet_io import read_groups
from leadterm.storage.formats.sorted_merge import WINDOWS, merge_sorted
from leadterm.storage.formats.windows_files import WindowsFiles, windows_file
from leadterm.storage.location import Location
from leadterm.storage.read_products import PARTS


@dataclass(frozen=True)
class DocumentsFiles:
    """The documents of a run that is merged, as tasks read them; travels to the executors.

    Attributes
    ----------
    folder
        URL of the product.
    files
        The SHA-256 of each file, by name.
    numbers
        int32: the number of each of the run's source files among those of the whole; ascending.
    """

    folder: str
    files: Mapping[str, str]
    numbers: NDArray[np.int32]

    def tables(self, name: str) -> Iterator[pa.Table]:
        """Give the row groups of a file, with the numbers of the whole.

        Raises
        ------
        RunError
            If it is damaged; names it.
        """
        place = Location.of(self.folder) / name
        if place.sha256() != self.files[name]:
            raise RunError(f"{place} is damaged: its SHA-256 differs from the manifest's. Encode the corpus again.")
        for table in read_groups(place):
            source = pa.array(self.numbers[table["source"].to_numpy()], pa.int32())
            yield table.set_column(table.column_names.index("source"), "source", source)


@dataclass(frozen=True)
class WindowsJoiner:
    """Merges the files of windows and of documents that a task was assigned by name; travels to the executors.

    Attributes
    ----------
    sources
        The windows of each run.
    folder
        URL of the staging folder.
    vocabulary_size
        V.
    documents
        The documents of each run.
    """

    sources: tuple[WindowsFiles, ...]
    folder: str
    vocabulary_size: int
    documents: tuple["DocumentsFiles", ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the files named in the batches; give a report of each."""
        for batch in batches:
            for name in batch["place"].to_pylist():
                yield self._write_documents(name) if is_documents(name) else self._write(name)

    def _write_documents(self, name: str) -> pa.RecordBatch:
        """Write a file of documents, whose files have the numbers of the whole."""
        parts = [documents.tables(name) for documents in self.documents if name in documents.files]
        return merged_documents(name, Location.of(self.folder) / PARTS / uuid.uuid4().hex, parts)

    def _write(self, name: str) -> pa.RecordBatch:
        """Write a file: what the files of this name hold, in their common order."""
        counts, n_windows = np.zeros(self.vocabulary_size, dtype=np.int64), 0
        place = Location.of(self.folder) / PARTS / uuid.uuid4().hex
        parts = [windows.tables(name) for windows in self.sources if name in windows.files]
        with windows_file(place) as (file, sink):
            for table in merge_sorted(parts, WINDOWS):
                lists = table["tokens"].combine_chunks()
                tokens = pa.ListArray.from_arrays(pa.compute.subtract(lists.offsets, lists.offsets[0]), lists.flatten())
                count_tokens(counts, tokens, table["window"].to_numpy())
                file.append(table)
                n_windows += len(table)
        return file_report(name, place, file, sink, n_windows, counts, np.zeros(len(Tally), dtype=np.int64))
