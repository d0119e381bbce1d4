"""Looks at how much a compressed input file holds before anyone unpacks it: a small one can hold more than any memory.

A footer, and the header of each page, say how long the pages are. Both are the word of whoever wrote the file, and are
what readers make room for: so it does not matter whether they are true.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leadterm.errors import InputError
from leadterm.reading.thrift import read_struct

LARGEST_PAGE = 2**29
"""Bytes of a page, unpacked: writers make pages of 1 MB, DuckDB of up to 100; Java holds one in each task."""
MOST_INFLATED, MOST_TIMES = 2**34, 200
"""What a file may hold unpacked: so many bytes, or so many times its own. Text is packed to a third or a tenth."""
HEADER = 2**16
"""Bytes that are read at first in the hope that they hold the header of a page: it may quote two values."""
LARGEST_HEADER = 2**26
DICTIONARY_PAGE = 2
ROWS = 2**16
"""That are read at once as numbers into a dictionary."""


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
    if unpacked > _most(packed):
        raise InputError(
            f"it would be unpacked from {packed:,} to at least {unpacked:,} bytes, which no text can be. Leave it out; "
            f"if you trust it, write it anew, uncompressed."
        )


def _most(packed: int) -> int:
    """Say how many bytes a file of so many may hold."""
    return max(MOST_INFLATED, MOST_TIMES * packed)


def check_footer(metadata: Any, leaves: Sequence[int], file_bytes: int) -> None:
    """Look at what the footer says of a column.

    Parameters
    ----------
    metadata
        The footer.
    leaves
        Numbers of the leaves of the schema that the column is made of.
    file_bytes
        Of the file.

    Raises
    ------
    InputError
        If the footer is not true of the file, or tells of more than can be unpacked.
    """
    for _, chunk in _chunks(metadata, leaves):
        if not 0 <= chunk.total_compressed_size <= file_bytes or chunk.num_values < 0:
            raise InputError(
                f"its footer tells of {chunk.total_compressed_size:,} bytes in a column and the file has "
                f"{file_bytes:,}. Repair it or leave it out."
            )
    refuse_inflated(sum(chunk.total_uncompressed_size for _, chunk in _chunks(metadata, leaves)), file_bytes)


def check_pages(file: pa.NativeFile, metadata: Any, leaves: Sequence[int]) -> None:
    """Look at the header of each page of a column; see :func:`check_footer`.

    Raises
    ------
    InputError
        If a page is too large to be unpacked, or the values of a dictionary are repeated too often.
    """
    sizes = {(group, chunk.path_in_schema): _claimed(file, chunk) for group, chunk in _chunks(metadata, leaves)}
    if sum(sizes.values()) > _most(file.size()):  # Most values may be null, which take no room.
        sizes = {key: _repeated(file, *key) for key in sizes}
    refuse_inflated(sum(sizes.values()), file.size())


def _claimed(file: pa.NativeFile, chunk: Any) -> int:
    """Say how long the values of a part of a column are at most, by the headers of its pages."""
    size = int(chunk.total_uncompressed_size)
    for page in _pages(file, chunk):
        if page.unpacked > LARGEST_PAGE:
            raise InputError(
                f"a page of it would be unpacked to {page.unpacked:,} bytes, more than {LARGEST_PAGE:,}. Write it "
                "anew with smaller pages (a tool's row group or page size), or leave it out."
            )
        if page.kind == DICTIONARY_PAGE:
            size = max(size, chunk.num_values * page.unpacked // max(1, page.n_values))
    return size


def _repeated(file: pa.NativeFile, group: int, leaf: str) -> int:
    """Say how long the values of a part of a column are: read as numbers into its dictionary, never written out."""
    parquet = pq.ParquetFile(file, read_dictionary=[leaf], pre_buffer=False)
    total = 0
    for batch in parquet.iter_batches(ROWS, row_groups=[group], columns=[leaf], use_threads=False):
        values: Any = batch.column(0)
        while pa.types.is_nested(values.type):
            values = pa.concat_arrays(values.flatten()) if pa.types.is_struct(values.type) else values.flatten()
        if not pa.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        lengths = pc.binary_length(values.dictionary).take(values.indices)
        total += pc.sum(lengths).as_py() or 0
    return total


def _chunks(metadata: Any, leaves: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Give the parts of a column, each with the number of its row group."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for leaf in leaves:
            yield number, group.column(leaf)


def _pages(file: pa.NativeFile, chunk: Any) -> Iterator[Page]:
    """Go from page to page of a part of a column."""
    # Old writers put 0 where there is no dictionary, or where it comes first and the offset of data leads to it.
    offsets = [offset for offset in (chunk.dictionary_page_offset, chunk.data_page_offset) if offset]
    if not offsets and not chunk.num_values:
        return  # A row group without rows need not have pages.
    at = min(offsets, default=0)
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
            fields, length = read_struct(data, 0)
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
