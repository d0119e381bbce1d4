"""What an input file must hold: a Parquet column of the right type, or JSON lines with the right key."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.spark.inflating import check_footer, check_pages, refuse_inflated
from leadterm.store.location import CHUNK, Location

SAMPLED_LINES = 100
SAMPLED_BYTES = 2**20
"""The lines of a JSON file that are looked at before the start: so many, and no more than so many bytes."""
LARGEST_LINE, BYTES_PER_CHARACTER = 2**27, 8
"""A line may have so many bytes, or so many for each character of the longest document that is kept: JSON may write one
as six, and there are other keys."""
COMPRESSED = (".gz", ".bz2", ".zst", ".lz4")
"""Endings of compressed files that PyArrow opens."""


@dataclass(frozen=True)
class Found:
    """What a look at a file found.

    Attributes
    ----------
    rows
        None where the format does not say.
    column
        The column of documents: its name, or the names on the way down to a nested one; None in an empty file.
    """

    rows: int | None
    column: tuple[str, ...] | None


def rule_of(corpus: CorpusSection) -> "ParquetRule | JsonRule":
    """Make the rule that a config's section asks for."""
    column, is_ids = corpus.ids_column or corpus.text_column or "", corpus.ids_column is not None
    if corpus.format == "parquet":
        return ParquetRule(column, is_ids)
    return JsonRule(column, is_ids, max(LARGEST_LINE, BYTES_PER_CHARACTER * corpus.max_characters))


@dataclass(frozen=True)
class ColumnRule:
    """What all formats ask: a column of documents.

    Attributes
    ----------
    column
        Its name, or its dotted path down to a nested one.
    is_ids
        Whether it holds lists of integers, not strings.
    """

    column: str
    is_ids: bool

    def _remedy(self) -> str:
        """Say what to do about a column."""
        return f"Correct corpus.{'ids' if self.is_ids else 'text'}_column, or leave the file out."


@dataclass(frozen=True)
class ParquetRule(ColumnRule):
    """A Parquet file has a footer, and in its schema the column."""

    def check(self, place: Location) -> Found:
        """Read a file's footer; on a local disk, the headers of its pages too."""
        try:
            with place.open_input() as file:
                footer = pq.ParquetFile(file)
                metadata, column = footer.metadata, self.find(footer.schema_arrow)
                check_footer(metadata, ".".join(column), file.size())
                if place.is_local:  # Elsewhere each look takes a request.
                    check_pages(file, metadata, ".".join(column))
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(f"it cannot be read as Parquet ({reason}). Repair it or leave it out.") from error
        return Found(metadata.num_rows, column)

    def watch(self, _place: Location) -> Callable[[bytes], object]:
        """Look at the bytes of a file as they lie there: there is nothing to see."""
        return lambda _: None

    def find(self, schema: pa.Schema) -> tuple[str, ...]:
        """Find the column in a schema, and check its type.

        Raises
        ------
        InputError
            Lists the columns there are, or names the type.
        """
        path = (self.column,) if self.column in schema.names else tuple(self.column.split("."))
        kind: Any = pa.struct(list(schema))
        for name in path:
            if not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
                there = ", ".join(f"{field.name} ({field.type})" for field in schema)
                raise InputError(f"it has no column '{self.column}', only {there}. {self._remedy()}")
            kind = kind.field(name).type
        if not self._accepts(kind):
            wanted = "lists of integers (not uint64)" if self.is_ids else "strings"
            raise InputError(f"its column '{self.column}' holds {kind}; expected {wanted}. {self._remedy()}")
        return path

    def _accepts(self, kind: Any) -> bool:
        """Say whether a column of this type can be read as documents."""
        if self.is_ids:
            lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
            return any(is_kind(kind) for is_kind in lists) and _fits_int64(kind.value_type)
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _fits_int64(kind: pa.DataType) -> bool:
    """Say whether all values of an integer type are int64 values."""
    return bool(pa.types.is_integer(kind) and not pa.types.is_uint64(kind))


@dataclass(frozen=True)
class JsonRule(ColumnRule):
    """The first lines of a file are JSON objects, some with the key; a compressed file is whole.

    Attributes
    ----------
    longest_line
        Bytes; Java holds some copies of a line.
    """

    longest_line: int = LARGEST_LINE

    def check(self, place: Location) -> Found:
        """Read a file's first lines; to the end if it is compressed, as only that shows whether it is whole."""
        try:
            with place.open_stream("detect") as stream:
                start = stream.read(SAMPLED_BYTES)
                while len(start) < SAMPLED_BYTES and (more := stream.read(SAMPLED_BYTES - len(start))):
                    start += more
                if place.path.endswith(COMPRESSED):
                    self._read_on(start, stream, place.size() or 0)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"it cannot be read ({str(error).splitlines()[0]}). Repair it or leave it out.") from error
        lines = start.splitlines()
        if len(start) == SAMPLED_BYTES:
            lines.pop()  # Most likely cut.
        return Found(None, self.find([line for line in lines[: 2 * SAMPLED_LINES] if line.strip()][:SAMPLED_LINES]))

    def _read_on(self, start: bytes, stream: pa.NativeFile, packed: int) -> None:
        """Read a compressed file to its end, unless there is no end to it."""
        watch, unpacked, chunk = self._watch_lines(), 0, start
        while chunk:
            unpacked += len(chunk)
            refuse_inflated(unpacked, packed)
            watch(chunk)
            chunk = stream.read(CHUNK)

    def watch(self, place: Location) -> Callable[[bytes], object]:
        """Look at the bytes of a file as they lie there: for a line that would fill the memory."""
        return (lambda _: None) if place.path.endswith(COMPRESSED) else self._watch_lines()

    def _watch_lines(self) -> Callable[[bytes], object]:
        """Look at one chunk after the other; a line may go through several.

        Raises
        ------
        InputError
            Says where the line begins.
        """
        begins = done = 0

        def watch(chunk: bytes) -> None:
            nonlocal begins, done
            mark = b"\n" if b"\n" in chunk else b"\r"
            first = chunk.find(mark)
            if done + (len(chunk) if first < 0 else first) - begins > self.longest_line:
                raise InputError(
                    f"its line that begins at byte {begins:,} has more than {self.longest_line:,} bytes. Write one "
                    "document to a line, or leave it out."
                )
            if first >= 0:
                begins = done + chunk.rfind(mark) + 1
            done += len(chunk)

        return watch

    def find(self, lines: list[bytes]) -> tuple[str, ...] | None:
        """Find the key in lines, and check what stands there; None if there is no line.

        Raises
        ------
        InputError
            Shows the line that is no JSON, or the keys that are there instead.
        """
        keys: dict[str, None] = {}
        for number, line in enumerate(lines, start=1):
            value = self._parse(line, number)
            keys |= dict.fromkeys(value)
            path = (self.column,) if self.column in value else tuple(self.column.split("."))
            for name in path:
                if not isinstance(value, dict) or name not in value:
                    break
                value = value[name]
            else:
                self._check_value(value, number)
                return path
        if not lines:
            return None
        raise InputError(
            f"none of its first {len(lines)} lines has the key '{self.column}'; their keys: {', '.join(keys)}. "
            f"{self._remedy()}"
        )

    def _parse(self, line: bytes, number: int) -> Any:
        """Read a line as a JSON object."""
        try:
            value = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"it does not hold JSON lines ({_short(line)} in line {number}: {error}). "
                "Correct corpus.format, or leave it out."
            ) from error
        if not isinstance(value, dict):
            raise InputError(
                f"its line {number} is JSON but no object: {_short(line)}. Each line must be an object with the key "
                f"'{self.column}'."
            )
        return value

    def _check_value(self, value: Any, number: int) -> None:
        """Refuse a value that is no document; null is one that is counted and left out."""
        if self.is_ids:
            good = isinstance(value, list) and all(type(one) is int for one in value)
        else:
            good = isinstance(value, str)
        if value is not None and not good:
            wanted = "a list of integers" if self.is_ids else "a string"
            raise InputError(
                f"'{self.column}' in its line {number} is {json.dumps(value)[:40]}; expected {wanted}. "
                "Correct the config or the file."
            )


def _short(line: bytes) -> str:
    """Show the beginning of a line."""
    return repr(line[:60].decode(errors="replace"))
