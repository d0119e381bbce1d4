"""Merges sorted windows that lie in several files into the one order that a windows file has."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from leadterm.store.windows import SCHEMA

Key = tuple[int, int, bytes]
"""What orders windows: document, window, and the bytes of their little-endian tokens."""


def merge_windows(sources: Sequence[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """Merge windows that are sorted by document, window and tokens into one such stream.

    Only one table of each source is held at a time. Equal windows are all kept. However windows were divided among
    the sources, the stream is the same but for where its tables end, which
    :func:`~leadterm.store.windows.windows_file` does not see.

    Parameters
    ----------
    sources
        Each gives tables of :data:`~leadterm.store.windows.SCHEMA`, such as the row groups of a windows file in order.

    Yields
    ------
    pyarrow.Table
        Of that schema; together all windows, in order.
    """
    cursors = [cursor for source in sources if (cursor := _Cursor(source)).advance()]
    while cursors:
        bound = min(cursor.last for cursor in cursors)  # What is not read yet comes after it, or equals it.
        yield _in_order([cursor.take(bound) for cursor in cursors])
        cursors = [cursor for cursor in cursors if cursor.advance()]


class _Cursor:
    """How far a source was read."""

    def __init__(self, source: Iterator[pa.Table]) -> None:
        self._source = source
        self._table: pa.Table = SCHEMA.empty_table()

    def advance(self) -> bool:
        """Hold a window at least; False at the end of the source."""
        while not len(self._table):
            table = next(self._source, None)
            if table is None:
                return False
            self._table = pa.table(table.columns, schema=SCHEMA).combine_chunks()
        return True

    @property
    def last(self) -> Key:
        """The last window held."""
        return self._key(len(self._table) - 1)

    def take(self, bound: Key) -> pa.Table:
        """Give the windows up to and with a bound away."""
        n_windows = bisect_right(range(len(self._table)), bound, key=self._key)
        taken, self._table = self._table[:n_windows], self._table[n_windows:]
        return taken

    def _key(self, row: int) -> Key:
        document, window, tokens = (column[row] for column in self._table.columns)
        return document.as_py(), window.as_py(), tokens.values.to_numpy().astype("<i4", copy=False).tobytes()


def _in_order(pieces: Sequence[pa.Table]) -> pa.Table:
    """Put sorted pieces together, and sort them."""
    together = pa.concat_tables(pieces).combine_chunks()
    if sum(len(piece) > 0 for piece in pieces) < 2:
        return together
    keys = pa.table([*together.columns[:2], _as_bytes(together["tokens"])], names=SCHEMA.names)
    return together.take(pa.compute.sort_indices(keys, [(name, "ascending") for name in SCHEMA.names]))


def _as_bytes(tokens: pa.ChunkedArray) -> pa.Array:
    """See lists of ids as their little-endian bytes, which is how windows are sorted."""
    lists = tokens.combine_chunks()
    offsets = lists.offsets.to_numpy().astype(np.int64)
    data = lists.values.to_numpy()[offsets[0] : offsets[-1]].astype("<i4", copy=False)
    buffers = [None, pa.py_buffer(4 * (offsets - offsets[0])), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(lists), buffers)
