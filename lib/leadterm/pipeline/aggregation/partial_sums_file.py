"""Partial sums of matrices on their way from the tasks that count to those that merge: Arrow files.

A record batch holds rows of one group, ``row int64, entries int64, packed binary``, so that a task that merges reads
what it needs and no more. The entries of all its rows are packed (:mod:`leadterm.counting.row_codec`) into what the
first row holds: half as many bytes are written, lie in memory until they are read, and are sent. A task does not map
the file: mapped pages count as memory of the process, and some clusters end a process that seems to take more than it
was given. The last batch is the table of contents: its rows are the groups of the batches before it. A file says which
row groups of the windows it sums, and is named by them: whoever counts the same writes the same file, and a job that
was stopped finds it.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.counting import GroupSum, RowGroups, SparseRows, Statistic, row_key
from leadterm.counting.row_codec import pack, unpack
from leadterm.pipeline.aggregation.coverage import Cover
from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import part_output

SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("entries", pa.int64(), nullable=False),
        pa.field("packed", pa.binary(), nullable=False),
    ]
)
COVER = b"leadterm.row_groups"
"""Under which the schema's metadata says what a file sums."""
THREADS = 16
"""Files that are looked at together: on an object store each takes some requests."""


class PartialsFile:
    """A file of partial sums while it is being written."""

    def __init__(self, writer: pa.ipc.RecordBatchFileWriter, groups: RowGroups) -> None:
        self._writer, self._groups = writer, groups
        self._contents: list[NDArray[np.int64]] = []

    def append(self, statistic: Statistic, rows: SparseRows) -> None:
        """Add rows, ascending: a batch for each group that they lie in."""
        groups = self._groups.numbers(rows.keys)
        bounds = np.flatnonzero(np.diff(groups, prepend=-1, append=-1))
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            self._write(rows[start:stop])
        self._contents.append(row_key(statistic, groups[bounds[:-1]]))

    def close(self) -> None:
        """Write the table of contents."""
        keys = np.concatenate([np.zeros(0, dtype=np.int64), *self._contents])
        nothing = np.zeros(len(keys) + 1, dtype=np.int64)
        self._write(SparseRows(keys, nothing, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)))

    def _write(self, rows: SparseRows) -> None:
        packed = pack(rows)
        ends = np.full(len(rows) + 1, len(packed), dtype=np.int32)
        ends[0] = 0
        binary = pa.Array.from_buffers(pa.binary(), len(rows), [None, pa.py_buffer(ends), pa.py_buffer(packed)])
        entries = pa.array(np.diff(rows.offsets))
        self._writer.write_batch(pa.record_batch([pa.array(rows.keys), entries, binary], schema=SCHEMA))


@contextmanager
def partials_file(place: Location, groups: RowGroups, cover: Cover) -> Iterator[PartialsFile]:
    """Open a file of partial sums for writing; it is there, and whole, after the block, and not if the block raises."""
    with part_output(place) as stream:
        writer = pa.ipc.new_file(stream, SCHEMA.with_metadata({COVER: cover.text}))
        file = PartialsFile(writer, groups)
        yield file
        file.close()
        writer.close()  # Only now: a file is whole if it has an end.


@dataclass(frozen=True)
class Sums:
    """A file of partial sums that is whole.

    Attributes
    ----------
    place
        Its URL.
    bytes
        Its length.
    cover
        The row groups that it sums.
    """

    place: str
    bytes: int
    cover: Cover

    @classmethod
    def at(cls, place: Location) -> "Sums | None":
        """Look at a file; None if there is none, or none that is whole and sums what its name says."""
        n_bytes = place.filesystem.get_file_info(place.path).size
        if not n_bytes:
            return None
        try:
            cover = Partials(place).cover
        except (OSError, ValueError):  # pyarrow's errors are of these
            return None
        return cls(place.uri, n_bytes, cover) if cover.name == place.name else None


def finished_sums(folder: Location) -> list[Sums]:
    """Find all files of partial sums in a folder that are whole."""
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda name: Sums.at(folder / name), folder.names())
        return [sums for sums in found if sums is not None]


class Partials:
    """The partial sums of a file, to be read a group at a time.

    Raises
    ------
    pyarrow.ArrowInvalid
        If the file has no end, or none that tells its contents.
    """

    def __init__(self, place: Location) -> None:
        self._reader = pa.ipc.open_file(place.filesystem.open_input_file(place.path))
        self.cover = Cover.from_text((self._reader.schema.metadata or {}).get(COVER, b"").decode())
        n_batches = self._reader.num_record_batches - 1
        contents = self._reader.get_batch(n_batches).column(0).to_numpy() if n_batches >= 0 else np.zeros(0)
        if len(contents) != n_batches:
            raise pa.ArrowInvalid(f"{place} has {n_batches} batches, and its table of contents lists {len(contents)}")
        self._order = np.argsort(contents, kind="stable")
        self._groups = contents[self._order]

    def read(self, statistic: Statistic, group: int) -> Iterator[SparseRows]:
        """Give the rows of a group."""
        first, last = np.searchsorted(self._groups, row_key(statistic, np.array([group, group + 1])))
        for number in self._order[first:last].tolist():
            batch = self._reader.get_batch(number)
            packed = np.frombuffer(batch.column(2)[0].as_buffer(), dtype=np.uint8)
            yield unpack(packed, batch.column(0).to_numpy(), batch.column(1).to_numpy())


class SummandRows(Protocol):
    """Rows of matrices that can be read a group at a time, to be added up."""

    def read(self, statistic: Statistic, group: int) -> Iterator[SparseRows]:
        """Give the rows of a group; groups of a file are asked for in ascending order."""


def sum_block(
    partials: Sequence[SummandRows], groups: RowGroups, statistic: Statistic, block: int, total: GroupSum
) -> Iterator[SparseRows]:
    """Sum the rows of a block, which is a file in the end, group by group; to be used before the next are asked for."""
    for group, first_row in groups.of_file(block):
        for partial in partials:
            for rows in partial.read(statistic, group):
                total.add(rows, first_row)
        merged = total.drain(first_row)
        if len(merged):
            yield merged
