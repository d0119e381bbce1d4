"""The metadata in front of the weights of a GGUF file: its texts, its whole numbers, and how many weights follow.

Whatever a damaged or hostile header says, reading it takes memory for one text and never goes past the file's end.
"""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from leadterm.errors import InputError

GGUF_MAGIC = b"GGUF"

# Value types of the GGUF format by size in bytes (ggml/docs/gguf.md, versions 2 and 3); 8 is text, 9 is an array.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY = 8, 9
_WHOLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 10: "Q", 11: "q"}
_LENGTH = struct.Struct("<Q")
_LONGEST = 2**24
"""Bytes that are read at once: a chat template is the longest text, of some kilobytes."""


def read_gguf_text(path: Path, key: str) -> str | None:
    """Read a text of the metadata of a GGUF file; None where it has none.

    Raises
    ------
    InputError
        The file is broken.
    """
    return read_gguf_texts(path, (key,)).get(key)


def read_gguf_texts(path: Path, keys: tuple[str, ...]) -> dict[str, str]:
    """Read some texts of the metadata of a GGUF file: those that are there and not empty.

    Raises
    ------
    InputError
        The file is broken.
    """
    found: dict[str, str] = {}
    with _header(path) as (header, _, entries):
        for _ in range(entries):
            key, kind = header.key()
            if key in keys and kind == _TEXT:
                text = header.text()
                if text:
                    found[key] = text
            else:
                header.skip(kind)
            if len(found) == len(keys):
                break
    return found


def count_gguf_weights(path: Path) -> int:
    """Count the numbers in all tensors of a GGUF file, from its header: 0.04 s where the package gguf takes 3.5.

    Raises
    ------
    InputError
        The file is broken.
    """
    total = 0
    with _header(path) as (header, tensors, entries):
        for _ in range(entries):
            header.skip(header.key()[1])
        for _ in range(tensors):
            header.text()  # the name; then the number of axes, their lengths, the type and the place of the data
            (axes,) = header.take("I")
            *shape, _, _ = header.take(f"{axes}QIQ")
            total += math.prod(shape)
    return total


def read_gguf_numbers(path: Path) -> dict[str, int]:
    """Read the whole numbers among the metadata of a GGUF file, such as ``llama.block_count``.

    Raises
    ------
    InputError
        The file is broken.
    """
    found = {}
    with _header(path) as (header, _, entries):
        for _ in range(entries):
            key, kind = header.key()
            if kind in _WHOLE:
                (found[key],) = header.take(_WHOLE[kind])
            else:
                header.skip(kind)
    return found


@contextmanager
def _header(path: Path) -> Iterator[tuple["_Header", int, int]]:
    """Open a GGUF file where its metadata begins, with the numbers of its tensors and of its entries of metadata."""
    try:
        with path.open("rb") as file:
            header = _Header(file, path.stat().st_size)
            magic, version, tensors, entries = header.take("4sIQQ")
            if magic != GGUF_MAGIC or version not in (2, 3):
                raise ValueError(f"it starts with {magic!r}, version {version}")
            yield header, tensors, entries
    except (struct.error, ValueError, KeyError, RecursionError) as error:  # lists in lists, thousands deep
        raise InputError(
            f"{path}: expected a GGUF file of version 2 or 3; found something else or a truncated file ({error}). "
            "Download it again, or use the tokenizer.json of the same model."
        ) from error


class _Header:
    """Goes forward through a file; lengths that lead past its end are a ValueError, before anything is read."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def take(self, layout: str) -> tuple[Any, ...]:
        """Read numbers, as the module struct names them."""
        layout = f"<{layout}"
        return struct.unpack(layout, self._read(struct.calcsize(layout)))

    def key(self) -> tuple[str, int]:
        """Read the name of an entry of metadata, and the type of its value."""
        return self.text(), *self.take("I")

    def text(self) -> str:
        return self._read(*self.take("Q")).decode("utf-8")

    def skip(self, kind: int) -> None:
        """Pass over a value."""
        if kind == _TEXT:
            self._skip_texts(1)
        elif kind == _ARRAY:
            item, count = self.take("IQ")
            if item in _SIZES:
                self._pass(_SIZES[item] * count)
            elif item == _TEXT:
                self._skip_texts(count)
            else:
                for _ in range(count):
                    self.skip(item)
        else:
            self._pass(_SIZES[kind])

    def _skip_texts(self, count: int) -> None:
        """Pass over texts in a loop of its own: a tokenizer has a hundred thousand."""
        for _ in range(count):
            (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
            self._left -= _LENGTH.size
            self._pass(length)

    def _read(self, count: int) -> bytes:
        if count > _LONGEST:
            raise ValueError(f"a value of {count} bytes")
        self._count(count)
        return self._file.read(count)

    def _pass(self, count: int) -> None:
        self._count(count)
        self._file.seek(count, 1)

    def _count(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError(f"a value of {count} bytes where {self._left + count} are left")
