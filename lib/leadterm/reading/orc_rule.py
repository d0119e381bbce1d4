"""ORC files, read stripe by stripe; how many rows a stripe has stands in the file's footer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import orc

from leadterm.errors import InputError
from leadterm.reading.column_format import OtherRule
from leadterm.reading.format_checks import Found
from leadterm.reading.splits import Split
from leadterm.storage.location import Location
from leadterm.storage.store_errors import require_reached

ROWS = 4096
"""Of a batch."""
FOOTER, STRIPES, N_ROWS, LENGTHS = 2, 3, 5, (2, 3)
"""Numbers of fields: of a file's tail, of the footer, and of what it says of a stripe.
(https://orc.apache.org/specification/ORCv1, orc_proto.proto)"""


@dataclass(frozen=True)
class OrcRule(OtherRule):
    """An ORC file has a footer, and in its schema the column."""

    def inspect(self, place: Location, on_bytes: Callable[[bytes], object]) -> Found:
        """Read a file's footer."""
        with _opened(place, "it") as file:
            column, stripes = self.find(file.schema), stripes_of(file)
        if sum(rows for rows, _ in stripes) != file.nrows:
            counted = sum(rows for rows, _ in stripes)
            raise InputError(f"its stripes have {counted:,} rows, but its footer says {file.nrows:,}. Repair it.")
        for chunk in place.chunks():
            on_bytes(chunk)
        found = Found(int(file.nrows), column)
        first = 0
        for number, (rows, length) in enumerate(stripes):
            if rows:
                found.parts.append({"start": number, "length": length, "first_row": first, "records": rows})
            first += rows
        return found

    def schema(self, place: Location) -> pa.Schema:
        """List the columns of a file."""
        with _opened(place, f"{place}") as file:
            return file.schema

    def batches(self, place: Location, split: Split, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read some columns of a stripe."""
        with _opened(place, f"{place}") as file:
            stripe = file.read_stripe(split.start, columns=list(names))
        if len(stripe) != split.records:
            found = f"{place} has {len(stripe):,} rows in stripe {split.start}"
            raise InputError(f"{found}, but its footer says {split.records:,}. Repair it or leave it out.")
        for first in range(0, len(stripe), ROWS):
            yield stripe.slice(first, ROWS)


@contextmanager
def _opened(place: Location, subject: str) -> Iterator[Any]:
    """Open a file.

    Raises
    ------
    InputError
        If it is damaged, or no ORC.
    """
    try:
        with place.open_input() as file:
            yield orc.ORCFile(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        require_reached(place, error)
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"{subject} cannot be read as ORC ({reason}). Repair it or leave it out.") from error


def stripes_of(file: orc.ORCFile) -> list[tuple[int, int]]:
    """List the stripes of a file: rows, and bytes."""
    footer = dict(_fields(bytes(file.reader.serialized_file_tail())))[FOOTER]
    stripes = [dict(_fields(value)) for number, value in _fields(footer) if number == STRIPES]
    return [(stripe.get(N_ROWS, 0), sum(stripe.get(length, 0) for length in LENGTHS)) for stripe in stripes]


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Take a message of protocol buffers apart: the number of each field, and an integer or bytes."""
    place = 0

    def integer() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
            if byte < 128:
                return value

    while place < len(message):
        key = integer()
        kind = key & 7
        if kind == 0:
            yield key >> 3, integer()
            continue
        length = {1: 8, 5: 4}.get(kind) or integer()
        yield key >> 3, message[place : place + length]
        place += length
