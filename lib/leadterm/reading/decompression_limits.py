"""Looks at how much a compressed input file holds before anyone unpacks it: a small one can hold more than any memory.

A footer says how long a column is, and the header of each page how long the page is. A footer may lie without a reader
noticing; a page is unpacked into the room that its header asks for, so that is never less than it takes. Texts are
longer than their page where it refers to a dictionary, or to the text before: such pages are counted by the longest
text they can hold, and if that is too much, read to see.
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
DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3
PLACES = {DATA_PAGE: (5, 2), DATA_PAGE_V2: (8, 4), DICTIONARY_PAGE: (7, 2)}
"""In the header of a page: its own part, and in that the encoding; the number of values is field 1 of it."""
BY_DICTIONARY, BY_PREFIX = (2, 8), 7
"""Encodings whose values are longer than their page: PLAIN_DICTIONARY, RLE_DICTIONARY; DELTA_BYTE_ARRAY."""
TEXT, WIDEST_NUMBER = "BYTE_ARRAY", 8
ROWS, HELD = 2**12, 2**28
"""Of texts that may be long: rows that are read at once, and bytes that they may have together."""


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
        Of data with nulls, or of the dictionary.
    encoding
        Of its values.
    header
        How long the header itself is.
    """

    kind: int
    unpacked: int
    packed: int
    n_values: int
    encoding: int
    header: int


@dataclass(frozen=True)
class Claim:
    """How long the values of a part of a column are, by the headers of its pages.

    Attributes
    ----------
    written
        Bytes of values as they are.
    repeated
        Bytes, at most, of values that refer to a dictionary or to the text before.
    n_repeated
        Values up to the end of the last page with such.
    dictionary, prefixed
        Bytes of the longest text that the one and the other can have; 0 where there are none.
    """

    written: int
    repeated: int
    n_repeated: int
    dictionary: int
    prefixed: int


def refuse_inflated(unpacked: int, packed: int) -> None:
    """Refuse a file that holds far more than text can.

    Raises
    ------
    InputError
        Says how much, and what to do.
    """
    if unpacked > _most(packed):
        raise InputError(
            f"it would decompress from {packed:,} to at least {unpacked:,} bytes, a ratio "
            "that no text reaches. Leave it out; if you trust it, write it again, uncompressed."
        )


def _most(packed: int) -> int:
    """Say how many bytes a file of this many may hold."""
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
                f"its footer gives {chunk.total_compressed_size:,} bytes in a column, but the file has "
                f"{file_bytes:,}. Repair it or leave it out."
            )
    refuse_inflated(sum(chunk.total_uncompressed_size for _, chunk in _chunks(metadata, leaves)), file_bytes)


def check_pages(file: pa.NativeFile, metadata: Any, leaves: Sequence[int]) -> None:
    """Look at the header of each page of a column; see :func:`check_footer`.

    Raises
    ------
    InputError
        If a page is too large to be unpacked, or texts are repeated too often.
    """
    claims = {(group, chunk.path_in_schema): claim_of(file, chunk) for group, chunk in _chunks(metadata, leaves)}
    total, most = sum(claim.written for claim in claims.values()), _most(file.size())
    if total + sum(claim.repeated for claim in claims.values()) > most:  # Most values may be null, or short.
        for (group, leaf), claim in claims.items():
            total += _repeated(file, group, leaf, claim, most - total)
    refuse_inflated(total, file.size())


def claim_of(file: pa.NativeFile, chunk: Any) -> Claim:
    """Say how long the values of a part of a column are at most, by the headers of its pages.

    Raises
    ------
    InputError
        If there is no page where one should be, or one is too large to be unpacked.
    """
    written = repeated = n_values = n_repeated = dictionary = by_dictionary = prefixed = 0
    for page in _pages(file, chunk):
        _refuse_large(page)
        longest = 0
        if page.kind == DICTIONARY_PAGE:
            dictionary = page.unpacked
        else:
            n_values += page.n_values
        if chunk.physical_type != TEXT:
            written += max(page.unpacked, WIDEST_NUMBER * page.n_values)
        elif page.kind != DICTIONARY_PAGE and page.encoding in BY_DICTIONARY:
            longest = by_dictionary = dictionary
        elif page.encoding == BY_PREFIX:
            longest = page.unpacked
            prefixed = max(prefixed, longest)
        else:
            written += page.unpacked
        if longest:
            repeated, n_repeated = repeated + page.n_values * longest, n_values
    return Claim(max(written, int(chunk.total_uncompressed_size)), repeated, n_repeated, by_dictionary, prefixed)


def _refuse_large(page: Page) -> None:
    """Refuse a page that takes too much room."""
    if page.unpacked > LARGEST_PAGE:
        raise InputError(
            f"one of its pages would decompress to {page.unpacked:,} bytes, more than {LARGEST_PAGE:,}. Write it "
            "again with smaller pages (the writer's row group or page size), or leave it out."
        )


def _repeated(file: pa.NativeFile, group: int, leaf: str, claim: Claim, most: int) -> int:
    """Say how long the texts are that pages repeat; of those with prefixes, which are written out, stop at too many.

    Those of a dictionary are read as numbers into it.
    """
    total = seen = 0
    rows = min(ROWS, claim.n_repeated, HELD // _longest_written(claim))
    for values in _values(file, group, leaf, claim, max(1, rows)):
        if seen >= claim.n_repeated or (claim.prefixed and total > most):
            break
        total, seen = total + (pc.sum(_lengths(values)).as_py() or 0), seen + len(values)
    return total


def longest_text(file: pa.NativeFile, group: int, leaf: str, claim: Claim) -> int:
    """Say how many bytes a text may have that pages repeat: exactly, where all refer to a dictionary."""
    if not claim.dictionary or claim.prefixed:
        return max(claim.dictionary, claim.prefixed)
    values = next(_values(file, group, leaf, claim, 1), None)
    return 0 if values is None else pc.max(pc.binary_length(values.dictionary)).as_py() or 0


def _longest_written(claim: Claim) -> int:
    """Say how long a text may become that is read by :func:`_values`, beyond its page."""
    return max(1, claim.dictionary, claim.prefixed) if claim.prefixed else 1


def _values(file: pa.NativeFile, group: int, leaf: str, claim: Claim, rows: int) -> Iterator[Any]:
    """Read texts, a few rows at a time: as numbers into a dictionary, unless some have prefixes."""
    parquet = pq.ParquetFile(file, read_dictionary=[] if claim.prefixed else [leaf], pre_buffer=False)
    for batch in parquet.iter_batches(rows, row_groups=[group], columns=[leaf], use_threads=False):
        values: Any = batch.column(0)
        while pa.types.is_nested(values.type):
            values = pa.concat_arrays(values.flatten()) if pa.types.is_struct(values.type) else values.flatten()
        yield values


def _lengths(values: Any) -> Any:
    """Say how long texts are."""
    if not pa.types.is_dictionary(values.type):
        return pc.binary_length(values)
    return pc.binary_length(values.dictionary).take(values.indices)


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
        raise InputError(
            f"one of its pages extends past byte {end:,}, where the column ends. Repair it or leave it out."
        )


def _page(file: pa.NativeFile, at: int) -> Page:
    """Read the header of a page."""
    size = HEADER
    while size <= LARGEST_HEADER:
        data = file.read_at(size, at)
        try:
            fields, length = read_struct(data, 0)
            kind, unpacked, packed = (fields[number] for number in (1, 2, 3))
            part, encoding = PLACES[kind]
            if min(unpacked, packed, fields[part][1]) < 0:
                break
            return Page(kind, unpacked, packed, fields[part][1], fields[part][encoding], length)
        except IndexError:
            if len(data) < size:
                break
            size *= 32
        except (KeyError, TypeError, AttributeError, RecursionError):
            break
    raise InputError(f"it has no page at byte {at:,}, where its footer places one. Repair it or leave it out.")
