"""What the job does inside an executor: the shares of documents in pairs, found file by file, then ordered by pair."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.counting.pair_units import DocumentUnits, PairMap, PairScan
from leadterm.errors import RunError
from leadterm.pipeline.attribute_pairs.largest_shares import MOST_HELD, Held, largest
from leadterm.storage.formats.documents_table import read_documents
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest

SHARE = pa.schema(
    [
        ("block", pa.int32()),
        ("pair", pa.int64()),
        ("rank", pa.int64()),
        ("document", pa.int64()),
        ("units", pa.int64()),
        ("source", pa.int32()),
        ("row", pa.int64()),
        ("copies", pa.int32()),
    ]
)
"""A document's share in a pair on its way to the pair's file. ``rank`` is minus its units, so that the largest come
first; and before all of them what a file of windows gives to the pair in all, with no copies."""
TOTAL = -(2**63)
"""The rank of that sum."""
PAIRS_PER_FILE = 2**16


@dataclass(frozen=True)
class ShareFinder:
    """Finds the shares of the documents in files of windows; travels to the executors.

    Attributes
    ----------
    run
        URL of the run.
    windows, documents
        Of the run.
    pairs, kind, k
        What is looked for: int64 (pairs, 2), in which matrix, and how many documents of each; None for all.
    occurrences, weights
        As `PairScan` takes them.
    """

    run: str
    windows: WindowsFiles
    documents: Manifest
    pairs: NDArray[np.int64]
    kind: PairMap
    k: int | None
    occurrences: NDArray[np.int64]
    weights: NDArray[np.int64]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Go through the files named in the batches; give rows as :data:`SHARE` has them."""
        scan = PairScan(self.pairs, self.kind, self.occurrences, self.weights)
        for batch in batches:
            for name in batch["place"].to_pylist():
                yield from self._find(name, scan)

    def _find(self, name: str, scan: PairScan) -> Iterator[pa.RecordBatch]:
        """Give the shares of the documents of one file, as many at a time as memory allows, then the sums of pairs."""
        totals, places, held = np.zeros(len(self.pairs), dtype=np.int64), self._places(name), Held()
        for found in self._units(name, scan):
            np.add.at(totals, found.pair, found.units)
            held.append(found)
            if len(held) > MOST_HELD:
                yield places.rows(largest(held.take(), self.k))
        yield places.rows(largest(held.take(), self.k))
        yield _total_rows(totals)

    def _units(self, name: str, scan: PairScan) -> Iterator[DocumentUnits]:
        """Scan a file."""
        for some in self.windows.with_documents(name):
            yield from scan.add(some.tokens, some.offsets, some.documents)
        yield scan.finish()

    def _places(self, name: str) -> "_Places":
        """Read where the documents of a file lie; their file has the same number."""
        number = name.rpartition("-")[2]
        files = tuple(one for one in self.documents.files if one.name.rpartition("-")[2] == number)
        return _Places(list(read_documents(Location.of(self.run), replace(self.documents, files=files))), name)


class _Places:
    """Where the documents of a file lie: the first of each hash, and how many there are."""

    def __init__(self, tables: list[pa.Table], name: str) -> None:
        table = pa.concat_tables(tables).combine_chunks() if tables else None
        documents = np.zeros(0, dtype=np.int64) if table is None else table["document"].to_numpy()
        self._name, self._table = name, table
        self._hashes, self._first, self._copies = np.unique(documents, return_index=True, return_counts=True)

    def rows(self, found: DocumentUnits) -> pa.RecordBatch:
        """Lay shares out as rows.

        Raises
        ------
        RunError
            If a document of the windows is not listed.
        """
        at = np.minimum(np.searchsorted(self._hashes, found.document), max(len(self._hashes) - 1, 0))
        if len(found) and (self._table is None or np.any(self._hashes[at] != found.document)):
            raise RunError(f"{self._name} holds a document that the run does not list. Encode the corpus again.")
        if self._table is None:
            return pa.RecordBatch.from_pylist([], schema=SHARE)
        kept = self._table.take(pa.array(self._first[at]))
        columns = [
            pa.array((found.pair // PAIRS_PER_FILE).astype(np.int32)),
            pa.array(found.pair),
            pa.array(-found.units),
            pa.array(found.document),
            pa.array(found.units),
            kept["source"].combine_chunks(),
            kept["row"].combine_chunks(),
            pa.array(self._copies[at].astype(np.int32)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SHARE)


def _total_rows(totals: NDArray[np.int64]) -> pa.RecordBatch:
    """Lay out what a file gives to each pair in all."""
    pair = np.flatnonzero(totals)
    nothing = np.zeros(len(pair), dtype=np.int64)
    columns = [
        pa.array((pair // PAIRS_PER_FILE).astype(np.int32)),
        pa.array(pair),
        pa.array(nothing + TOTAL),
        pa.array(nothing),
        pa.array(totals[pair]),
        pa.array(nothing.astype(np.int32)),
        pa.array(nothing),
        pa.array(nothing.astype(np.int32)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SHARE)
