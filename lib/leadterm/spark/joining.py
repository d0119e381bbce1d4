"""What a merge of runs does inside an executor: files of windows, and blocks of matrix rows, of several runs to one."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from leadterm.spark.encoding import Tally
from leadterm.spark.merging import MatrixWriter
from leadterm.spark.writing import count_tokens, file_report
from leadterm.store.location import Location
from leadterm.store.partials import SummandRows
from leadterm.store.products import PARTS
from leadterm.store.sorted_windows import merge_windows
from leadterm.store.stored_rows import StoredRows
from leadterm.store.windows import WindowsFiles, windows_file


@dataclass(frozen=True)
class WindowsJoiner:
    """Merges the files of windows that a task was dealt by name; travels to the executors.

    Attributes
    ----------
    sources
        The windows of each run.
    folder
        URL of the staging folder.
    vocabulary_size
        V.
    """

    sources: tuple[WindowsFiles, ...]
    folder: str
    vocabulary_size: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the files named in the batches; give a report of each."""
        for batch in batches:
            for name in batch["place"].to_pylist():
                yield self._write(name)

    def _write(self, name: str) -> pa.RecordBatch:
        """Write a file: what the files of this name hold, in their common order."""
        counts, n_windows = np.zeros(self.vocabulary_size, dtype=np.int64), 0
        place = Location.of(self.folder) / PARTS / uuid.uuid4().hex
        with windows_file(place) as (file, sink):
            for table in merge_windows([windows.tables(name) for windows in self.sources if name in windows.files]):
                lists = table["tokens"].combine_chunks()
                tokens = pa.ListArray.from_arrays(pa.compute.subtract(lists.offsets, lists.offsets[0]), lists.flatten())
                count_tokens(counts, tokens, table["window"].to_numpy())
                file.append(table)
                n_windows += len(table)
        return file_report(name, place, file, sink, n_windows, counts, np.zeros(len(Tally), dtype=np.int64))


class RunsAdder(MatrixWriter):
    """Adds up the matrices of runs, whose URLs stand in ``partials``, as if they were partial sums."""

    def summands(self) -> Sequence[SummandRows]:
        """Open the runs."""
        return [StoredRows(Location.of(url), self.groups) for url in self.partials]
