"""Looks at how much a compressed input file holds before anyone unpacks it: a small one can hold more than any memory.

A footer, and the header of each page, say how long the pages are. Both are the word of whoever wrote the file, and are
what readers make room for: so it does not matter whether they are true.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from leadterm.errors import InputError

LARGEST_PAGE = 2**29
"""Bytes of a page, unpacked: writers make pages of 1 MB, DuckDB of up to 100; Java holds one in each task."""
MOST_INFLATED, MOST_TIMES = 2**34, 200
"""What a file may hold unpacked: so many bytes, or so many times its own. Text is packed to a third or a tenth."""
HEADER = 2**16
"""Bytes that are read at first in the hope that they hold the header of a page: it may quote two values."""
LARGEST_HEADER = 2**26
DICTIONARY_PAGE = 2


@dataclass(frozen=True)
class Page:
    """What the header of a page says.

    Attributes
    ----------
    kind
        0 and 3: data, 2: the dictionary.
    unpacked, packed
        Its length, in bytes.
    n_values
        Of its dictionary; 0 of data.
    header
        How long the header itself is.
    """

    kind: int
    unpacked: int
    packed: int
    n_values: int
    header: int


def refuse_inflated(unpacked: int, packed: int) -> None:
    """Refuse a file that holds far more than text can.

    Raises
    ------
    InputError
        Says how much, and what to do.
    """
    if unpacked > max(MOST_INFLATED, MOST_TIMES * packed):
        raise InputError(
            f"it would be unpacked from {packed:,} to at least {unpacked:,} bytes, which no text can be. Leave it out; "
            f"if you trust it, write it anew, uncompressed."
        )


def check_footer(metadata: Any, column: str, file_bytes: int) -> None:
    """Look at what the footer says of a column.

    Raises
    ------
    InputError
        If the footer is not true of the file, or tells of more than can be unpacked.
    """
    for chunk in _chunks(metadata, column):
        if not 0 <= chunk.total_compressed_size <= file_bytes or chunk.num_values < 0:
            raise InputError(
                f"its footer tells of {chunk.total_compressed_size:,} bytes in a column and the file has "
                f"{file_bytes:,}. Repair it or leave it out."
            )
    refuse_inflated(sum(chunk.total_uncompressed_size for chunk in _chunks(metadata, column)), file_bytes)


def check_pages(file: pa.NativeFile, metadata: Any, column: str) -> None:
    """Look at the header of each page of a column.

    Raises
    ------
    InputError
        If a page is too large to be unpacked, or the values of a dictionary are repeated too often.
    """
    inflated = 0
    for chunk in _chunks(metadata, column):
        size = chunk.total_uncompressed_size
        for page in _pages(file, chunk):
            if page.unpacked > LARGEST_PAGE:
                raise InputError(
                    f"a page of it would be unpacked to {page.unpacked:,} bytes, more than {LARGEST_PAGE:,}. Write it "
                    "anew with smaller pages (a tool's row group or page size), or leave it out."
                )
            if page.kind == DICTIONARY_PAGE:
                size = max(size, chunk.num_values * page.unpacked // max(1, page.n_values))
        inflated += size
    refuse_inflated(inflated, file.size())


def _chunks(metadata: Any, column: str) -> Iterator[Any]:
    """Give the parts of a column, or of what lies within it, one for each row group."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            if chunk.path_in_schema == column or chunk.path_in_schema.startswith(f"{column}."):
                yield chunk


def _pages(file: pa.NativeFile, chunk: Any) -> Iterator[Page]:
    """Go from page to page of a part of a column."""
    at = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    end = at + chunk.total_compressed_size
    while at < end:
        page = _page(file, at)
        yield page
        at += page.header + page.packed
    if at > end:
        raise InputError(f"a page of it goes on after byte {end:,}, where the column ends. Repair it or leave it out.")


def _page(file: pa.NativeFile, at: int) -> Page:
    """Read the header of a page."""
    size = HEADER
    while size <= LARGEST_HEADER:
        data = file.read_at(size, at)
        try:
            fields, length = _struct(data, 0)
            kind, unpacked, packed = (fields[number] for number in (1, 2, 3))
            dictionary = fields.get(7, {1: 0})
            if min(unpacked, packed) < 0:
                break
            return Page(kind, unpacked, packed, dictionary[1], length)
        except IndexError:
            if len(data) < size:
                break
            size *= 32
        except (KeyError, TypeError, AttributeError, RecursionError):
            break
    raise InputError(f"it has no page at byte {at:,}, where its footer says there is one. Repair it or leave it out.")


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Read a struct of Thrift's compact protocol, as Parquet has them: its fields by number, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        fields[number], at = _value(data, at, head & 15)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    """Read a value; of those that headers of pages have."""
    if kind in (1, 2):
        return kind == 1, at
    if kind in (4, 5, 6):
        return _zigzag(data, at)
    if kind == 8:
        length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError(at)
        return None, at + length
    if kind == 12:
        return _struct(data, at)
    raise KeyError(kind)


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    """Read a signed number."""
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits to the byte."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise KeyError(shift)
