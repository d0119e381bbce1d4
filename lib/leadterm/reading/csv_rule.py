"""CSV files by RFC 4180: a header, commas, fields in quotes over several lines; every value is text as it lies."""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from leadterm.errors import InputError
from leadterm.reading.column_format import OtherRule
from leadterm.reading.compression import WatchedFile, compression_of, unpacked
from leadterm.reading.decompression_limits import refuse_inflated
from leadterm.reading.format_checks import START, Found
from leadterm.reading.splits import Split
from leadterm.storage.location import CHUNK, Location
from leadterm.storage.store_errors import require_reached

LONGEST = 2**27
"""Characters of a field: an open quote would fill the memory."""
BATCH = 4 * 2**20
"""Characters of a batch, about."""


@dataclass(frozen=True)
class CsvRule(OtherRule):
    """A CSV file has a header that names the column, and as many fields in every record.

    Attributes
    ----------
    longest
        Characters that a field may have.
    """

    longest: int = LONGEST
    row_name: ClassVar = "record"

    def inspect(self, place: Location, on_bytes: Callable[[bytes], object]) -> Found:
        """Read a file to its end: parse it, and count its records in another way."""
        counter, rows = RecordCounter(), 0
        with _telling("it"), _text_of(place, self.longest, on_bytes) as text:
            records = _records(counter.watched(text), self.longest)
            header = self._header(next(records, None))
            for _ in records:
                rows += 1
        if header is None:
            return Found()
        if counter.records - 1 != rows:
            raise InputError(
                f"it has {rows:,} records by its commas but {counter.records - 1:,} by its lines: there is a "
                "quote within a field that is not quoted. Enclose such fields in quotes, and double the quotes in them."
            )
        part = {"start": 0, "length": place.size() or 0, "first_row": 1, "records": rows}
        return Found(rows, (self.column,), [part] if rows else [])

    def schema(self, place: Location) -> pa.Schema:
        """List the columns of a file."""
        with _telling(f"{place}"), _text_of(place, self.longest) as text:
            header = self._header(next(_records(text, self.longest), None))
        return pa.schema([(name, pa.string()) for name in header or ()])

    def batches(self, place: Location, split: Split, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read some columns of a file."""
        schema = pa.schema([(name, pa.string()) for name in names])
        with _telling(f"{place}"), _text_of(place, self.longest) as text:
            records = _records(text, self.longest)
            header = next(records, [])
            wanted = [header.index(name) for name in names]
            rows: list[list[str]] = []
            size = 0
            for record in records:
                rows.append([record[i] for i in wanted])
                size += sum(map(len, rows[-1])) + 64
                if size > BATCH:
                    yield _batch(rows, schema)
                    rows, size = [], 0
            if rows:
                yield _batch(rows, schema)

    def _header(self, header: list[str] | None) -> list[str] | None:
        """Check the header; None where there is none."""
        if header is None:
            return None
        twice = next((name for name in header if header.count(name) > 1), None)
        if twice is not None:
            raise InputError(
                f"its header has the column '{twice}' {header.count(twice)} times. Give columns different names."
            )
        if self.column not in header:
            raise InputError(f"its header has no column '{self.column}', only {', '.join(header)}. {self.remedy()}")
        return header


class RecordCounter:
    """Counts records by lines and quotes: a record ends with a line outside of quotes that is not empty."""

    def __init__(self) -> None:
        self.records = 0
        self._quotes = 0
        self._has_text = False

    def watched(self, lines: Iterator[str]) -> Iterator[str]:
        """Give lines on, and count."""
        for line in lines:
            self._quotes += line.count('"')
            self._has_text = self._has_text or bool(line.strip("\r\n"))
            if self._quotes % 2 == 0:
                self.records += self._has_text
                self._has_text = False
            yield line


def _records(lines: Iterator[str], longest: int) -> Iterator[list[str]]:
    """Parse lines strictly, the header first; empty lines are no records.

    Raises
    ------
    InputError
        Names the line of a record with more or fewer fields than the header, or with a quote that does not end.
    """
    csv.field_size_limit(longest)
    reader, n_fields = csv.reader(lines, strict=True), 0
    try:
        for record in reader:
            if record and n_fields and len(record) != n_fields:
                raise InputError(
                    f"its record that ends on line {reader.line_num:,} has {len(record)} fields, but the header has "
                    f"{n_fields}. Correct it, or leave the file out."
                )
            if record:
                n_fields = n_fields or len(record)
                yield record
    except csv.Error as error:
        raise InputError(
            f"it is not valid CSV at line {reader.line_num:,} ({error}). Quotes must be closed, and quotes "
            "within quotes doubled. Correct it, or leave the file out."
        ) from error


@contextmanager
def _text_of(
    place: Location, longest: int, on_bytes: Callable[[bytes], object] = lambda _: None
) -> Iterator[Iterator[str]]:
    """Open a file, compressed or not, for reading its lines, with their ends."""
    packed = place.size() or 0
    with place.open_stream() as raw:
        watched = WatchedFile(raw, on_bytes)
        kind = compression_of(watched.peek(START), place.name)
        yield _lines(unpacked(watched, kind), None if kind is None else packed, longest)


def _lines(stream: Any, packed: int | None, longest: int) -> Iterator[str]:
    """Decode a stream into lines; of a compressed one, unless there is no end to it."""
    decoder, rest, n_bytes = codecs.getincrementaldecoder("utf-8-sig")(), "", 0
    while chunk := stream.read(CHUNK):
        n_bytes += len(chunk)
        if packed is not None:
            refuse_inflated(n_bytes, packed)
        if len(rest) > longest:
            raise InputError(f"it has a line of more than {longest:,} characters. Correct it, or leave the file out.")
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from (f"{line}\n" for line in lines)
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


@contextmanager
def _telling(subject: str) -> Iterator[None]:
    """Say of errors in the block what they are of."""
    try:
        yield
    except InputError as error:
        raise error if subject == "it" else InputError(f"{subject}: {error}") from error
    except UnicodeDecodeError as error:
        remedy = "Convert it, for example with iconv -t UTF-8, or leave it out"
        raise InputError(f"{subject} is not UTF-8 ({error}). {remedy}.") from error
    except (pa.ArrowException, OSError) as error:
        require_reached(subject, error)
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"{subject} cannot be read ({reason}). Repair it or leave it out.") from error


def _batch(rows: list[list[str]], schema: pa.Schema) -> pa.RecordBatch:
    """Lay records out by columns."""
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
