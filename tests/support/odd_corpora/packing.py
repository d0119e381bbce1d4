"""Compressed bytes, whole and broken."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from random import Random

import pyarrow as pa


def _stream(codec: str) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        packed: bytes = sink.getvalue().to_pybytes()
        return packed

    return pack


def _gzip_with_header(data: bytes) -> bytes:
    """Gzip with all that its header may hold: extra bytes, a name, a comment, a checksum of the header."""
    header = b"\x1f\x8b\x08\x1e\x01\x02\x03\x04\x00\x03" + b"\x04\x00abcd" + b"n\xe4me\x00" + b"a comment\x00"
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    body = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = body.compress(data) + body.flush()
    return header + packed + zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")


def _zip(data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.jsonl", data)
    return sink.getvalue()


READ: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "gzip with a long header": _gzip_with_header,
    "bzip2": bz2.compress,
    "zstd": _stream("zstd"),
    "lz4": _stream("lz4"),
}
NOT_READ: dict[str, Callable[[bytes], bytes]] = {
    "xz": lzma.compress,
    "zip": _zip,
    "brotli": _stream("brotli"),
    "raw deflate": zlib.compress,
    "snappy": lambda data: b"\xff\x06\x00\x00sNaPpY" + data,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
}
ENDINGS = (".gz", ".gzip", ".GZ", ".bz2", ".zst", ".zstd", ".lz4", "", ".txt")


def pack(random: Random, data: bytes) -> tuple[bytes, str]:
    """Compress bytes, as one piece or as several, each compressed alone; says how."""
    how = random.choice(tuple(READ))
    n_cuts = random.choice((0, 0, 1, 3))
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(n_cuts))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return b"".join(READ[how](piece) for piece in pieces), f"{how} of {len(pieces)}"


def flip_packed(random: Random, data: bytes) -> tuple[bytes, str]:
    """Compress bytes, and change one; the checksum shows it, unless nothing depends on that byte."""
    how = random.choice(("gzip", "bzip2"))  # They always carry a checksum.
    packed = READ[how](data)
    at = random.randrange(10, len(packed))
    return packed[:at] + bytes([255 - packed[at]]) + packed[at + 1 :], f"{how} with another byte at {at}"


def break_packed(random: Random, data: bytes) -> tuple[bytes, str]:
    """Compress bytes such that no reader should take the result; says how."""
    if random.random() < 0.3:
        how = random.choice(tuple(NOT_READ))
        return NOT_READ[how](data), how
    how = random.choice(tuple(READ))
    packed = READ[how](data)
    if random.random() < 0.5:
        return packed[: random.randrange(4, len(packed))], f"{how} cut short"
    garbage = random.choice((b"garbage", data or b"{}", READ[how](data)[:-3], b"\x1f\x8b", b"\xff" * 9))
    return packed + garbage, f"{how} and garbage"
