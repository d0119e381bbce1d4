"""Compressed files, opened a frame at a time, so that a cut or something after the end cannot go unseen.

Python has gzip and bzip2. Frames of zstd and lz4 are measured here, as RFC 8878 and lz4's frame format lay them out,
and each is unpacked alone.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable

import pyarrow as pa

from support.reference_reader.asked import Refused

GZIP, BZIP2, ZSTD, LZ4 = b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
OTHERS = {b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip", b"\xff\x06\x00\x00sNaPpY": "snappy"}


def unpack(data: bytes) -> bytes:
    """Unpack a whole file by its first bytes; what begins with no known ones is plain."""
    for start, name in OTHERS.items():
        if data.startswith(start):
            raise Refused(f"it is compressed with {name}")
    for start, unpack_all in ((GZIP, _gzip), (BZIP2, _bzip2), (ZSTD, _frames("zstd")), (LZ4, _frames("lz4"))):
        if data.startswith(start):
            return unpack_all(data)
    return data


def _gzip(data: bytes) -> bytes:
    parts = []
    while data:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            parts.append(member.decompress(data))
        except zlib.error as error:
            raise Refused(f"gzip: {error}") from error
        if not member.eof:
            raise Refused("gzip: cut short")
        data = member.unused_data
    return b"".join(parts)


def _bzip2(data: bytes) -> bytes:
    parts = []
    while data:
        stream = bz2.BZ2Decompressor()
        try:
            parts.append(stream.decompress(data))
        except OSError as error:
            raise Refused(f"bzip2: {error}") from error
        if not stream.eof:
            raise Refused("bzip2: cut short")
        data = stream.unused_data
    return b"".join(parts)


def _frames(codec: str) -> Callable[[bytes], bytes]:
    """Make the function that unpacks one frame after the other."""
    start, length = (ZSTD, _zstd_length) if codec == "zstd" else (LZ4, _lz4_length)

    def unpack_all(data: bytes) -> bytes:
        parts = []
        while data:
            end = length(data)
            if not data.startswith(start) or not 0 < end <= len(data):
                raise Refused(f"{codec}: cut short, or something after the end")
            try:
                with pa.CompressedInputStream(pa.BufferReader(data[:end]), codec) as stream:
                    parts.append(stream.read())
            except OSError as error:
                raise Refused(f"{codec}: {error}") from error
            data = data[end:]
        return b"".join(parts)

    return unpack_all


def _zstd_length(data: bytes) -> int:
    """Measure the first frame: header, blocks, checksum; 0 where it is cut."""
    if len(data) < 5:
        return 0
    says = data[4]
    is_single = says >> 5 & 1
    at = 5 + (not is_single) + (0, 1, 2, 4)[says & 3] + (is_single, 2, 4, 8)[says >> 6]
    while at + 3 <= len(data):
        block = int.from_bytes(data[at : at + 3], "little")
        at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)  # A run has one byte.
        if block & 1:
            return at + 4 * (says >> 2 & 1)
    return 0


def _lz4_length(data: bytes) -> int:
    """Measure the first frame: header, blocks, an empty one, checksum; 0 where it is cut."""
    if len(data) < 7:
        return 0
    says = data[4]
    at = 7 + 8 * (says >> 3 & 1) + 4 * (says & 1)
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "little") & 0x7FFFFFFF
        at += 4
        if not size:
            return at + 4 * (says >> 2 & 1)
        at += size + 4 * (says >> 4 & 1)
    return 0
