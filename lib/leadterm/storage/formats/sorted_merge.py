"""Merges sorted rows that lie in several files, of windows or of documents, into the one order that a file has."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm.storage.formats import documents_table as documents
from leadterm.storage.formats import windows_files as windows


@dataclass(frozen=True)
class Order:
    """How rows are sorted.

    Attributes
    ----------
    schema
        Of the rows.
    key
        What a row is sorted by, of a table and the row's number.
    indices
        The numbers of a table's rows in order.
    """

    schema: pa.Schema
    key: Callable[[pa.Table, int], Any]
    indices: Callable[[pa.Table], pa.Array]


def merge_sorted(sources: Sequence[Iterator[pa.Table]], order: Order) -> Iterator[pa.Table]:
    """Merge rows that are sorted in each source into one sorted stream.

    Only one table of each source is held at a time. Equal rows are all kept. However rows were divided among the
    sources, the stream is the same but for where its tables end, which the writers of files do not see.

    Parameters
    ----------
    sources
        Each gives tables, such as the row groups of a file in order.
    order
        `WINDOWS` or `DOCUMENTS`.

    Yields
    ------
    pyarrow.Table
        Together all rows, in order.
    """
    cursors = [cursor for source in sources if (cursor := _Cursor(source, order)).advance()]
    while cursors:
        bound = min(cursor.last for cursor in cursors)  # What is not read yet comes after it, or equals it.
        yield _in_order([cursor.take(bound) for cursor in cursors], order)
        cursors = [cursor for cursor in cursors if cursor.advance()]


class _Cursor:
    """How far a source was read."""

    def __init__(self, source: Iterator[pa.Table], order: Order) -> None:
        self._source, self._order = source, order
        self._table: pa.Table = order.schema.empty_table()

    def advance(self) -> bool:
        """Hold a row at least; False at the end of the source."""
        while not len(self._table):
            table = next(self._source, None)
            if table is None:
                return False
            self._table = pa.table(table.columns, schema=self._order.schema).combine_chunks()
        return True

    @property
    def last(self) -> Any:
        """What the last row held is sorted by."""
        return self._key(len(self._table) - 1)

    def take(self, bound: Any) -> pa.Table:
        """Give the rows up to and with a bound away."""
        n_rows = bisect_right(range(len(self._table)), bound, key=self._key)
        taken, self._table = self._table[:n_rows], self._table[n_rows:]
        return taken

    def _key(self, row: int) -> Any:
        return self._order.key(self._table, row)


def _in_order(pieces: Sequence[pa.Table], order: Order) -> pa.Table:
    """Put sorted pieces together, and sort them."""
    together = pa.concat_tables(pieces).combine_chunks()
    if sum(len(piece) > 0 for piece in pieces) < 2:
        return together
    return together.take(order.indices(together))


def _window_key(table: pa.Table, row: int) -> tuple[int, int, bytes]:
    """Order windows by document, window, and the bytes of their little-endian tokens."""
    document, window, tokens = (column[row] for column in table.columns)
    return document.as_py(), window.as_py(), tokens.values.to_numpy().astype("<i4", copy=False).tobytes()


def _window_indices(table: pa.Table) -> pa.Array:
    """Say in which order windows stand."""
    keys = pa.table([*table.columns[:2], _as_bytes(table["tokens"])], names=windows.SCHEMA.names)
    return pa.compute.sort_indices(keys, [(name, "ascending") for name in windows.SCHEMA.names])


def _as_bytes(tokens: pa.ChunkedArray) -> pa.Array:
    """See lists of ids as their little-endian bytes, which is how windows are sorted."""
    lists = tokens.combine_chunks()
    offsets = lists.offsets.to_numpy().astype(np.int64)
    data = lists.values.to_numpy()[offsets[0] : offsets[-1]].astype("<i4", copy=False)
    buffers = [None, pa.py_buffer(4 * (offsets - offsets[0])), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(lists), buffers)


def _document_key(table: pa.Table, row: int) -> tuple[int, ...]:
    """Order documents by hash, file and place there; one whose place is not known comes last."""
    values = (column[row].as_py() for column in table.columns)
    return tuple(documents.NO_ROW if value is None else value for value in values)


def _document_indices(table: pa.Table) -> pa.Array:
    """Say in which order documents stand."""
    return pa.compute.sort_indices(table, [(name, "ascending") for name in documents.SCHEMA.names])


WINDOWS = Order(windows.SCHEMA, _window_key, _window_indices)
DOCUMENTS = Order(documents.SCHEMA, _document_key, _document_indices)
