"""What an input file must hold: a Parquet column of the right type, or JSON lines with the right key."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import pyarrow as pa

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.reading.compression import WatchedFile, compression_of, unpacked
from leadterm.reading.decompression_limits import check_footer, check_pages, refuse_inflated
from leadterm.reading.document_column import ColumnRule
from leadterm.reading.encrypted_columns import refuse_encrypted, refuse_encrypted_footer
from leadterm.reading.json_documents import JsonReader, has_key
from leadterm.reading.line_blocks import BLOCK, UTF_16, count_lines, numbered_lines, whole_lines
from leadterm.reading.parquet_documents import leaves_of, open_parquet
from leadterm.reading.splits import Split
from leadterm.storage.location import Location
from leadterm.storage.store_errors import require_reached

if TYPE_CHECKING:
    from leadterm.reading.column_format import OtherRule

SAMPLED_LINES = 100
"""The records of a JSON file among which one must have the key."""
LARGEST_LINE, BYTES_PER_CHARACTER = 2**27, 8
"""A line may have so many bytes, or so many for each character of the longest document that is kept: JSON may write one
as six, and there are other keys."""
PARQUET = b"PAR1"
START = 16
"""Bytes that tell how a file is compressed."""


@dataclass
class Found:
    """What a look at a file found.

    Attributes
    ----------
    rows
        Its records.
    column
        The column of documents: its name, or the names on the way down to a nested one; None in an empty file.
    parts
        As `leadterm.reading.splits.PART`.
    """

    rows: int = 0
    column: tuple[str, ...] | None = None
    parts: list[dict[str, int]] = field(default_factory=list)


def rule_of(corpus: CorpusSection) -> "Rule":
    """Make the rule that a config's section asks for."""
    column, is_ids = corpus.ids_column or corpus.text_column or "", corpus.ids_column is not None
    if corpus.format in ("orc", "csv"):
        return _other_rule(corpus, column, is_ids=is_ids)
    if corpus.format != "json":
        return ParquetRule(column, is_ids, corpus.join)
    longest = max(LARGEST_LINE, BYTES_PER_CHARACTER * corpus.max_characters)
    replaces = corpus.surrogates == "replace"
    return JsonRule(column, is_ids, corpus.join, longest_line=longest, replaces_surrogates=replaces)


def _other_rule(corpus: CorpusSection, column: str, *, is_ids: bool) -> "OtherRule":
    """Make the rule of a format that has a module of its own, which builds on this one."""
    from leadterm.reading.csv_rule import LONGEST, CsvRule  # noqa: PLC0415  # as said
    from leadterm.reading.orc_rule import OrcRule  # noqa: PLC0415  # as said

    if corpus.format == "orc":
        return OrcRule(column, is_ids, corpus.join)
    return CsvRule(column, is_ids, longest=max(LONGEST, corpus.max_characters + 1))


@dataclass(frozen=True)
class ParquetRule(ColumnRule):
    """A Parquet file has a footer, and in its schema the column."""

    def inspect(self, place: Location, on_bytes: Callable[[bytes], object]) -> Found:
        """Read a file's footer; on a local disk, the headers of its pages too.

        Parameters
        ----------
        place
            The file.
        on_bytes
            Is shown all bytes of the file, in order.

        Raises
        ------
        InputError
            Says what is wrong with it.
        """
        found = self.look(place)
        for chunk in place.chunks():
            on_bytes(chunk)
        return found

    def look(self, place: Location) -> Found:
        """Read a file's footer; on a local disk, the headers of its pages too."""
        try:
            with place.open_input() as file:
                parquet = open_parquet(file)
                column = self.find(parquet.schema_arrow)
                leaves = leaves_of(parquet.metadata.schema, column)
                refuse_encrypted(file, parquet.metadata, leaves, self.column)
                check_footer(parquet.metadata, leaves, file.size())
                if place.is_local:  # Elsewhere each look takes a request.
                    check_pages(file, parquet.metadata, leaves)
                return Found(_rows_in(parquet.metadata), column, _groups(parquet.metadata, leaves))
        except (pa.ArrowException, OSError, ValueError) as error:
            require_reached(place, error)
            refuse_encrypted_footer(place)
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(f"it cannot be read as Parquet ({reason}). Repair it or leave it out.") from error


def _rows_in(metadata: Any) -> int:
    """Count the rows of a file by its footer, which says it of the whole file and of each row group."""
    rows = sum(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
    if rows != metadata.num_rows:
        raise InputError(
            f"its footer gives {metadata.num_rows:,} rows, but its row groups have {rows:,}. Repair it or leave it out."
        )
    return int(rows)


def _groups(metadata: Any, leaves: list[int]) -> list[dict[str, int]]:
    """List the row groups that have rows."""
    groups, first = [], 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        length = sum(int(group.column(leaf).total_compressed_size) for leaf in leaves)
        if group.num_rows:
            groups.append({"start": number, "length": length, "first_row": first, "records": group.num_rows})
        first += group.num_rows
    return groups


@dataclass(frozen=True)
class JsonRule(ColumnRule):
    """A file holds JSON lines, some of its first with the key; a compressed one is whole.

    Attributes
    ----------
    longest_line
        Bytes; a reader holds some copies of a line.
    replaces_surrogates
        Whether half a surrogate pair becomes U+FFFD.
    """

    longest_line: int = LARGEST_LINE
    replaces_surrogates: bool = False
    row_name: ClassVar = "line"

    def inspect(self, place: Location, on_bytes: Callable[[bytes], object]) -> Found:
        """Read a file to its end: count its lines, look at the first ones; see :meth:`ParquetRule.inspect`."""
        found, line, packed = Found(), 1, place.size() or 0
        first: list[tuple[int, bytes]] = []
        with _opened(place, on_bytes) as (stream, is_packed):
            for start, block in whole_lines(stream, self.longest_line):
                if is_packed:
                    refuse_inflated(start + len(block), packed)
                if len(first) < SAMPLED_LINES:
                    _refuse_other_formats(block)
                    first += islice(numbered_lines(block, line), SAMPLED_LINES - len(first))
                n_lines, records = count_lines(block, line)
                _add_part(found.parts, {"start": start, "length": len(block), "first_row": line, "records": records})
                line += n_lines
        found.rows, found.column = sum(part["records"] for part in found.parts), self.find_in(first)
        if is_packed and found.parts:
            found.parts = [{"start": 0, "length": packed, "first_row": 1, "records": found.rows}]
        return found

    def at(self, place: Location) -> "JsonRule":
        """Look at the first lines of a file, and say how it is read.

        Raises
        ------
        InputError
            Says what is wrong with them.
        """
        with _opened(place) as (stream, _):
            _, block = next(whole_lines(stream, self.longest_line), (0, b""))
        _refuse_other_formats(block)
        return replace(self, path=self.find_in(list(islice(numbered_lines(block, 1), SAMPLED_LINES))) or (self.column,))

    def find_in(self, lines: Sequence[tuple[int, bytes]]) -> tuple[str, ...] | None:
        """Find the key in lines, and look whether they hold documents; None if there is no line.

        Parameters
        ----------
        lines
            The first ones that are not blank, with their numbers.

        Raises
        ------
        InputError
            Shows the line that is no document, or the keys that are there instead.
        """
        reader, found = JsonReader(self, self.replaces_surrogates), None
        keys: dict[str, None] = {}
        for number, line in lines:
            try:
                value = reader.parse(line)
                path = self.path_in(list(value))
                found = path if found is None and has_key(value, path) else found
                reader.document(line, path)
            except InputError as error:
                remedy = "Correct the line or corpus.format" if number == 1 else "Correct the line"
                raise InputError(f"its line {number:,}: {error}. {remedy}, or leave the file out.") from error
            keys |= dict.fromkeys(value)
        if lines and found is None:
            raise InputError(
                f"none of its first {len(lines)} lines has the key '{self.column}'; their keys: {', '.join(keys)}. "
                f"{self.remedy()}"
            )
        return found

    def blocks(self, place: Location, split: Split) -> Iterator[tuple[int, bytes]]:
        """Read the blocks of lines of a split, each with the number of its first line.

        Raises
        ------
        InputError
            Names the file, if it is damaged.
        """
        try:
            with place.open_input() as file:
                start = file.read(START)
                if compression_of(start, place.name) is None:
                    yield split.first_row, file.read_at(split.length, split.start)
                    return
        except OSError as error:
            require_reached(place, error)
            raise _unreadable(error, str(place)) from error
        line = 1
        with _opened(place, subject=str(place)) as (stream, _):
            for _, block in whole_lines(stream, self.longest_line):
                yield line, block
                line += len(block.splitlines())


def _refuse_other_formats(block: bytes) -> None:
    """Refuse Parquet, and text of two bytes a letter, as some editors save it."""
    if block.startswith(PARQUET):
        raise InputError("it is a Parquet file. Set corpus.format to parquet, or leave it out.")
    if block.startswith(UTF_16):
        raise InputError(
            "it is UTF-16 text; JSON lines are UTF-8. Convert it, for example with iconv -f UTF-16 -t UTF-8."
        )


def _add_part(parts: list[dict[str, int]], part: dict[str, int]) -> None:
    """Add a block of lines to the parts of a file; a small one to the part before."""
    if parts and parts[-1]["length"] + part["length"] <= BLOCK:
        parts[-1]["length"] += part["length"]
        parts[-1]["records"] += part["records"]
    else:
        parts.append(part)


@contextmanager
def _opened(
    place: Location, on_bytes: Callable[[bytes], object] = lambda _: None, subject: str = "it"
) -> Iterator[tuple[Any, bool]]:
    """Open what a file of lines holds: a stream of it, and whether it is compressed.

    Raises
    ------
    InputError
        If it cannot be unpacked, or is damaged.
    """
    try:
        with place.open_stream() as raw:
            watched = WatchedFile(raw, on_bytes)
            kind = compression_of(watched.peek(START), place.name)
            yield unpacked(watched, kind), kind is not None
    except (pa.ArrowException, OSError, ValueError) as error:
        require_reached(place, error)
        raise _unreadable(error, subject) from error


def _unreadable(error: BaseException, subject: str) -> InputError:
    """Say that a file cannot be read."""
    return InputError(f"{subject} cannot be read ({str(error).splitlines()[0]}). Repair it or leave it out.")


Rule: TypeAlias = "ParquetRule | JsonRule | OtherRule"
