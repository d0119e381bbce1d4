"""Reads parts of a Parquet file, and verifies every byte it takes them from.

Whoever reads a whole file compares it with its hash in the manifest. A task reads some row groups of a file that may be
far larger; so the writer leaves the hash of each row group in the footer, and the footer's own in the manifest.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.errors import RunError
from leadterm.storage.formats.parquet_io import GROUP_HASHES
from leadterm.storage.location import Location
from leadterm.storage.manifest import FileEntry
from leadterm.storage.store_errors import require_reached

LARGEST_TAIL = 2**28
"""Bytes of a footer that is read: that of half a million row groups."""


class DamagedError(OSError):
    """A file's bytes are not those that were written."""


@dataclass(frozen=True)
class Written:
    """What a manifest says of a file, as far as it takes to verify parts of it; travels to the executors.

    Attributes
    ----------
    bytes, sha256
        Of the file.
    tail_bytes, tail_sha256
        Of what follows the last row group; 0 and nothing where an earlier version wrote the file.
    """

    bytes: int
    sha256: str
    tail_bytes: int
    tail_sha256: str

    @classmethod
    def of(cls, entry: FileEntry) -> "Written":
        """Take it out of the manifest."""
        tail = entry.details.get("tail_bytes", 0), entry.details.get("tail_sha256", "")
        return cls(entry.bytes, entry.sha256, *tail)


def verify_file(run: Location, product: str, entry: FileEntry) -> None:
    """Compare a file that others will open with its hash in the manifest of its product.

    Raises
    ------
    RunError
        If it is missing, or its bytes are not those that were written; names it.
    """
    place = run / product / entry.name
    try:
        found = place.sha256()
    except OSError as error:
        require_reached(place, error)
        raise RunError(f"{place} is missing or cannot be read ({error}). Rebuild the product.") from error
    if found != entry.sha256:
        raise RunError(
            f"{place} is damaged: its SHA-256 is {found[:16]}…, the manifest says {entry.sha256[:16]}…. Fetch it "
            "again, or rebuild the product."
        )


class VerifiedFile:
    """A Parquet file whose row groups are compared with their hashes as they are read.

    Parameters
    ----------
    place
        The file.
    written
        What the manifest says of it. Where that is of an earlier version, the file is hashed as a whole, once in each
        process.

    Raises
    ------
    DamagedError
        If the footer, or later a row group, is not what was written.
    """

    def __init__(self, place: Location, written: Written) -> None:
        self._input = place.open_input()
        size = self._input.size()
        if size != written.bytes:
            raise DamagedError(f"it has {size:,} bytes, the manifest says {written.bytes:,}")
        if written.tail_bytes == 0:
            _verify_whole(place, written.sha256)
            self._file = pq.ParquetFile(self._input, page_checksum_verification=True)
            self._hashes: list[str] = []
        else:
            tail = self._read(size - min(size, written.tail_bytes, LARGEST_TAIL), size, written.tail_sha256, "footer")
            metadata = pq.ParquetFile(pa.BufferReader(tail)).metadata
            self._parts = _Parts(size)
            self._file = pq.ParquetFile(pa.PythonFile(self._parts, mode="r"), metadata=metadata)
            self._hashes = (metadata.metadata or {}).get(GROUP_HASHES.encode(), b"").decode().split()
            self._bounds = _bounds(metadata, size - len(tail), len(self._hashes))
        self.metadata = self._file.metadata

    def read_row_group(self, group: int, columns: Sequence[str] | None = None) -> Any:
        """Read a row group as a table."""
        if self._hashes:
            first, last = self._bounds[group], self._bounds[group + 1]
            self._parts.hold(first, self._read(first, last, self._hashes[group], f"row group {group}"))
        return self._file.read_row_group(group, columns=columns)

    def close(self) -> None:
        """Close the file."""
        self._input.close()

    def _read(self, first: int, last: int, sha256: str, what: str) -> pa.Buffer:
        """Read some bytes, and compare them with their hash."""
        data = self._input.read_at(last - first, first)
        found = hashlib.sha256(memoryview(data)).hexdigest()
        if found != sha256:
            raise DamagedError(f"the SHA-256 of its {what} is {found[:16]}…, written was {sha256[:16]}…")
        return data


class _Parts(io.RawIOBase):
    """A file of which one part is in memory: nothing else can be read from it."""

    def __init__(self, size: int) -> None:
        self._size, self._at, self._start = size, 0, 0
        self._data: Any = b""

    def hold(self, start: int, data: pa.Buffer) -> None:
        """Give the part that can be read from now on."""
        self._start, self._data = start, memoryview(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        first = self._at - self._start
        if first < 0 or first + size > len(self._data):
            raise DamagedError("a row group refers to bytes outside itself")
        self._at += size
        return bytes(self._data[first : first + size])


def _bounds(metadata: Any, end: int, n_hashes: int) -> list[int]:
    """Say where row groups begin, the first with the file, and where the last one ends."""
    if n_hashes != metadata.num_row_groups:
        raise DamagedError(f"its footer has {metadata.num_row_groups} row groups and the hashes of {n_hashes}")
    firsts = [_first_byte(metadata.row_group(group)) for group in range(metadata.num_row_groups)]
    return [0, *firsts[1:], end]


def _first_byte(group: Any) -> int:
    """Find where the pages of a row group begin."""
    columns = [group.column(number) for number in range(group.num_columns)]
    firsts: list[int] = [
        column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset for column in columns
    ]
    return min(firsts)


def _verify_whole(place: Location, sha256: str) -> None:
    """Compare a whole file with its hash."""
    info = place.filesystem.get_file_info(place.path)
    found = _hash(place.uri, info.size, info.mtime_ns)
    if found != sha256:
        raise DamagedError(f"its SHA-256 is {found[:16]}…, the manifest says {sha256[:16]}…")


@lru_cache(maxsize=1024)
def _hash(uri: str, _size: int, _modified: int | None) -> str:
    """Hash a file once in each process, unless it changes."""
    return Location.of(uri).sha256()
