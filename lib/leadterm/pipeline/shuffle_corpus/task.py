"""What the shuffling job does inside an executor: each file of windows becomes one of the same windows, shuffled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.corpus import Ragged
from leadterm.pipeline.encode_corpus.windows_writer import count_tokens, file_report
from leadterm.pipeline.shuffle_corpus.shuffled_corpus import ShuffledCorpus
from leadterm.storage.formats.windows_files import SCHEMA, WindowsFiles, windows_file
from leadterm.storage.location import Location
from leadterm.storage.read_products import PARTS
from leadterm.storage.staged.part_reports import finish, finished

SHARED = pa.schema([("name", pa.string()), ("shared", pa.int64())])
"""What a task says of a file before the tokens are numbered: how many of its windows go on where another ended."""


@dataclass(frozen=True)
class SharedCounter:
    """Counts the windows that begin with the last token of another; travels to the executors.

    Attributes
    ----------
    source
        The files of the ``windows`` product.
    """

    source: WindowsFiles

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count in the files named in the batches."""
        for name in _names(batches):
            groups = self.source.tables(name, ["window"])
            shared = sum(int(_is_shared(group).sum()) for group in groups)
            yield pa.RecordBatch.from_pydict({"name": [name], "shared": [shared]})


@dataclass(frozen=True)
class ShuffledFinder:
    """Looks for files that were shuffled before; travels to the executors, which hash them.

    Attributes
    ----------
    folder
        URL of the staging folder.
    """

    folder: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the reports of those among the files named in the batches that are whole."""
        for name in _names(batches):
            report = finished(Location.of(self.folder) / PARTS, name)
            if report is not None:
                yield from report.to_batches()


@dataclass(frozen=True, eq=False)
class WindowsShuffler:
    """Writes the files that a task was assigned with other tokens; travels to the executors.

    Attributes
    ----------
    source
        The files of the ``windows`` product.
    folder
        URL of the staging folder.
    corpus
        The tokens in their new order.
    starts
        The tokens before each file.
    """

    source: WindowsFiles
    folder: str
    corpus: ShuffledCorpus
    starts: Mapping[str, int]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the files named in the batches; give a report of each."""
        for name in _names(batches):
            yield self._write(name)

    def _write(self, name: str) -> pa.RecordBatch:
        """Write a file, and its report beside it.

        Documents, places and lengths of windows, and so the row groups, are those of the source.
        """
        parts = Location.of(self.folder) / PARTS
        start, n_windows = self.starts[name], 0
        counts = np.zeros(self.corpus.vocabulary_size, dtype=np.int64)
        with windows_file(parts / name) as (file, sink):
            for group in self.source.tables(name):
                shared = _is_shared(group)
                lengths = pc.list_value_length(group["tokens"]).to_numpy().astype(np.int64)
                offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
                tokens = Ragged(self.corpus.windows(lengths, shared, start), offsets).to_arrow()
                count_tokens(counts, tokens, group["window"].to_numpy())
                file.append(pa.table([group["document"], group["window"], tokens], schema=SCHEMA))
                start += int(lengths.sum() - shared.sum())
                n_windows += len(group)
        report = file_report(name, parts / name, file, sink, n_windows, counts)
        finish(parts, name, pa.Table.from_batches([report]))
        return report


def _names(batches: Iterator[pa.RecordBatch]) -> Iterator[str]:
    """Give the names of the files that a task was assigned."""
    for batch in batches:
        yield from batch["place"].to_pylist()


def _is_shared(group: Any) -> NDArray[np.bool_]:
    """Say which windows begin with the last token of the one before: all but the first of their documents."""
    shared: NDArray[np.bool_] = group["window"].to_numpy() > 0
    return shared
