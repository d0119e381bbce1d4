"""Opens compressed files: which compression it is, their first bytes say, whatever their names."""

import bz2
import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from leadterm.errors import InputError

SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
"""How files begin that PyArrow unpacks, and what it calls them."""
OTHERS = {
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"\x02\x21\x4c\x18": "the legacy lz4 format",
    b"\x1f\x9d": "compress",
    b"\x89LZO": "lzop",
    b"7z\xbc\xaf": "7z",
}
"""How files begin that nobody here unpacks."""
BY_NAME = {".br": "brotli", ".xz": "xz", ".lzma": "lzma", ".zip": "zip", ".snappy": "snappy", ".lzo": "lzo"}
BY_NAME |= {".deflate": "deflate", ".z": "compress", ".7z": "7z"}
"""Endings of compressed files whose first bytes need not tell."""
PACKED = 2**18
"""Bytes of bzip2 that are read at once."""
SKIPPABLE = b"\x2a\x4d\x18"
"""What follows the first byte, 0x50 to 0x5f, of a frame that holds no data, of zstd or lz4."""
UNPACKED = "gzip, bzip2, zstd or lz4"


def compression_of(start: bytes, name: str) -> str | None:
    """Say how a file is compressed; None if it is not.

    Parameters
    ----------
    start
        Its first bytes, eight or more where there are so many.
    name
        Of the file.

    Raises
    ------
    InputError
        Names a compression that cannot be unpacked here.
    """
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            return kind
    if start[1:4] == SKIPPABLE and start[0] & 0xF0 == 0x50:
        raise InputError(
            "it begins with a skippable frame, as pzstd writes, which leadterm does not support. Compress it again "
            f"with {UNPACKED}, or leave it out."
        )
    found = next((kind for signature, kind in OTHERS.items() if start.startswith(signature)), None)
    ending = next((kind for suffix, kind in BY_NAME.items() if name.lower().endswith(suffix)), None)
    if found or (ending and not start.lstrip().startswith((b"{", b"\xef\xbb\xbf"))):
        raise InputError(
            f"it is compressed with {found or ending}, which leadterm does not decompress. Compress it with "
            f"{UNPACKED}, or "
            "leave it out."
        )
    return None


class WatchedFile(io.RawIOBase):
    """A file that is read from its beginning to its end, whose raw bytes are shown to a function on the way."""

    def __init__(self, stream: Any, on_bytes: Callable[[bytes], object]) -> None:
        self._stream, self._on_bytes = stream, on_bytes
        self._held = b""

    def readable(self) -> bool:
        """Tell readers that they may read."""
        return True

    def peek(self, size: int) -> bytes:
        """Read the first bytes, which are given again by the next read."""
        self._held = self.read(size)
        return self._held

    def read(self, size: int = -1) -> bytes:
        """Read up to so many bytes; fewer only at the end."""
        if held := self._held:
            self._held = b""
            return held
        data: bytes = self._stream.read(size if size >= 0 else None)
        self._on_bytes(data)
        return data


def unpacked(file: WatchedFile, kind: str | None) -> Any:
    """Open what a file holds, for reading from its beginning."""
    if kind == "bz2":
        return Bunzip2(file)
    return file if kind is None else pa.CompressedInputStream(pa.PythonFile(file, mode="r"), kind)


class Bunzip2:
    """What bzip2 packed, one stream after the other; PyArrow takes an empty one among them for damage.

    Parameters
    ----------
    file
        Read from its beginning.
    """

    def __init__(self, file: WatchedFile) -> None:
        self._file, self._stream = file, bz2.BZ2Decompressor()

    def read(self, size: int) -> bytes:
        """Read up to so many bytes; none only at the end.

        Raises
        ------
        OSError
            If the file is damaged, cut short or goes on with something else.
        """
        while True:
            if self._stream.eof:
                data = self._stream.unused_data or self._file.read(PACKED)
                if not data:
                    return b""
                self._stream = bz2.BZ2Decompressor()
            else:
                data = self._file.read(PACKED) if self._stream.needs_input else b""
                if not data and self._stream.needs_input:
                    raise OSError("bzip2: it is truncated")
            if made := self._stream.decompress(data, size):
                return made
