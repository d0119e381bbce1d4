"""Writes Parquet files whose bytes depend on their rows alone, not on how the rows arrived."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.catalog.products import Product
from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import HashingSink, part_output

GROUP_HASHES = "leadterm.row_groups.sha256"
"""In a footer's metadata: the SHA-256 of the bytes of each row group; those of the first begin with the file's."""


class GroupCutter:
    """Decides where row groups end in a stream of lists: after the first list that fills a group.

    The cuts depend on the lists' lengths alone, so the same rows give the same file however they were batched.
    """

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._pending = 0

    def cuts(self, lengths: NDArray[np.int64]) -> list[int]:
        """Give the numbers of lists of the next batch after which a group ends."""
        found, done = [], 0
        ends = np.cumsum(lengths)
        while True:
            before = int(ends[done - 1]) if done else 0
            end = int(np.searchsorted(ends, before + self._entries - self._pending)) + 1
            if end > len(ends):
                break
            found.append(end)
            done, self._pending = end, 0
        self._pending += int(ends[-1]) - (int(ends[done - 1]) if done else 0) if len(ends) else 0
        return found


def parquet_writer(sink: HashingSink, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """Open a Parquet file with the settings that all large files share."""
    settings = {"use_dictionary": False, "compression": "zstd", "write_page_checksum": True, **options}
    return pq.ParquetWriter(sink, schema, **settings)


class GroupedWriter:
    """A Parquet file that is written a row group at a time, at the cuts of a :class:`GroupCutter`."""

    def __init__(self, writer: pq.ParquetWriter, sink: HashingSink, list_column: str, group_entries: int) -> None:
        self._writer, self._sink = writer, sink
        self._list_column = list_column
        self._cutter = GroupCutter(group_entries)
        self._pending: list[pa.Table] = []
        self.group_entries: list[int] = []
        """List elements of each row group written so far."""
        self._hashes: list[str] = []
        self._tail = (0, "")

    @property
    def details(self) -> dict[str, Any]:
        """What a manifest keeps of a file that is whole, so that its parts can be read and verified alone.

        The hash of each row group stands in the footer, whose own length and hash are here.
        """
        length, sha256 = self._tail
        return {"row_group_tokens": self.group_entries, "tail_bytes": length, "tail_sha256": sha256}

    def append(self, table: pa.Table) -> None:
        """Add rows; those that complete a row group are written."""
        lengths = pa.compute.list_value_length(table[self._list_column]).to_numpy().astype(np.int64)
        start = 0
        for end in self._cutter.cuts(lengths):
            self._pending.append(table.slice(start, end - start))
            self._flush()
            start = end
        if start < len(table):
            self._pending.append(table.slice(start))

    def close(self) -> None:
        """Write the rows that are left and the footer."""
        if self._pending:
            self._flush()
        self._writer.add_key_value_metadata({GROUP_HASHES: " ".join(self._hashes)})
        self._writer.close()
        self._tail = self._sink.cut()

    def _flush(self) -> None:
        """Write all pending rows as one row group."""
        group = pa.concat_tables(self._pending).combine_chunks()
        self._pending = []
        self.group_entries.append(sum(len(chunk.flatten()) for chunk in group[self._list_column].chunks))
        self._writer.write_table(group, row_group_size=len(group))
        self._hashes.append(self._sink.cut()[1])


@contextmanager
def grouped_parquet(
    place: Location, schema: pa.Schema, list_column: str, group_entries: int, **options: Any
) -> Iterator[tuple[GroupedWriter, HashingSink]]:
    """Open a file of rows with a list column; it has its name after the block, and is gone if the block raises."""
    with part_output(place) as stream:
        sink = HashingSink(stream)
        sink.cut()
        with parquet_writer(sink, schema, **options) as writer:
            grouped = GroupedWriter(writer, sink, list_column, group_entries)
            yield grouped, sink
            grouped.close()


class EvenGroupsWriter:
    """Writes a Parquet file in row groups of so many rows, so that its bytes depend on its rows alone.

    Parameters
    ----------
    writer
        Of the file.
    schema
        Of the rows.
    row_group
        Rows of each row group but the last.
    """

    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema, row_group: int) -> None:
        self._writer, self._row_group = writer, row_group
        self._pending = schema.empty_table()
        self.n_rows = 0

    def append(self, table: pa.Table) -> None:
        """Add rows, which come in order."""
        self.n_rows += len(table)
        self._pending = pa.concat_tables([self._pending, table])
        while len(self._pending) >= self._row_group:
            self._write(self._pending[: self._row_group])
            self._pending = self._pending[self._row_group :]

    def close(self) -> None:
        """Write the rows that are left."""
        if len(self._pending):
            self._write(self._pending)

    def _write(self, table: pa.Table) -> None:
        """Write one row group."""
        self._writer.write_table(table.combine_chunks(), row_group_size=self._row_group)


def read_groups(place: Location) -> Iterator[pa.Table]:
    """Read a file a row group at a time; bytes of a page that changed are an OSError."""
    with pq.ParquetFile(place.open_input(), page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def table_bytes(table: pa.Table) -> bytes:
    """Write a small table as one Parquet file in memory."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def arrow_fields(product: Product) -> list[tuple[str, pa.DataType]]:
    """Give the columns of a product's table, with their Arrow types.

    Examples
    --------
    >>> arrow_fields(Product.POSITION)
    [('distance', DataType(int32)), ('bias', DataType(double))]
    """
    return [(column.name, _arrow_type(column.type)) for column in product.columns]


def _arrow_type(name: str) -> pa.DataType:
    """Turn the name of a type, or of a list of it, into the type."""
    if name.startswith("list<"):
        return pa.list_(_arrow_type(name.removeprefix("list<").removesuffix(">")))
    return pa.type_for_alias(name)
