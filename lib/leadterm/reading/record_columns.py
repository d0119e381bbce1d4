"""Columns of records beside the documents, for a predicate: those of Parquet, keys of JSON lines, partition folders."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from leadterm.errors import InputError
from leadterm.reading.column_format import OtherRule
from leadterm.reading.format_checks import JsonRule, Rule
from leadterm.reading.json_kinds import objects_of
from leadterm.reading.parquet_documents import open_parquet
from leadterm.reading.splits import Split
from leadterm.reading.sql_types import sql_type
from leadterm.storage.location import Location
from leadterm.storage.store_errors import require_reached

ROWS = 65_536
"""Of a batch of columns that a predicate looks at."""
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The folder's name where a partition column is null."""
_FOLDER = re.compile(r"([^/=]+)=([^/]*)/")
PLACE = ("_leadterm_source", "_leadterm_start", "_leadterm_record")
"""What says which record a row is: its file, its split and its number there."""


def partition_values(place: str) -> dict[str, str | None]:
    """Read the values of partition columns off the folders of a file's address: texts, as the folders write them.

    Raises
    ------
    InputError
        If two folders name one column.

    Examples
    --------
    >>> partition_values("s3://b/web/lang=en/day=2026-01-31/part-0.parquet")
    {'lang': 'en', 'day': '2026-01-31'}
    """
    address = unquote(place) if place.startswith("file:") else place
    values: dict[str, str | None] = {}
    for name, value in ((unquote(name), unquote(value)) for name, value in _FOLDER.findall(address)):
        if name in values and values[name] != value:
            raise InputError(f"{place} is in two folders {name}=…. Rename one: a column has one value.")
        values[name] = None if value == NO_VALUE else value
    return values


@dataclass(frozen=True)
class Partitions:
    """Partition columns that a table's log tells, not the folders' names.

    Attributes
    ----------
    types
        Of the columns, in SQL.
    values
        By the files' addresses: of each column, as text.
    """

    types: Mapping[str, str]
    values: Mapping[str, Mapping[str, str | None]]


def columns_of(place: Location, rule: Rule) -> dict[str, Any]:
    """List the columns of a file that SQL can be asked about, with their types there; not of JSON lines."""
    if isinstance(rule, OtherRule):
        schema = rule.schema(place)
    else:
        with place.open_input() as file:
            schema = open_parquet(file).schema_arrow
    return {field.name: kind for field in schema if (kind := sql_type(field.type)) is not None}


@dataclass(frozen=True)
class ColumnsReader:
    """Reads the columns that a predicate names of all records of splits; travels to the executors.

    Attributes
    ----------
    rule
        What the files hold.
    columns
        Those of the records, in SQL's types.
    folders
        Those of partition folders.
    partitions
        What a table's log says of these; None: the folders' names do.
    """

    rule: Rule
    columns: pa.Schema
    folders: tuple[str, ...]
    partitions: Partitions | None = None

    @property
    def schema(self) -> pa.Schema:
        """The schema of the batches: the record's place, then its columns."""
        place = [pa.field(name, pa.int64()) for name in PLACE]
        return pa.schema([*place, *self.columns, *(pa.field(name, pa.string()) for name in self.folders)])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Read the splits named in the batches."""
        splits = (Split(**row) for batch in batches for row in batch.to_pylist())
        for place, some in groupby(splits, key=lambda split: split.place):
            values = partition_values(place) if self.partitions is None else self.partitions.values[place]
            if missing := [name for name in self.folders if name not in values]:
                raise InputError(
                    f"corpus.where names {missing[0]}, and {Location.of(place)} is not in a folder {missing[0]}=…. "
                    "Move it, or leave it out."
                )
            constants = [pa.scalar(values[name], pa.string()) for name in self.folders]
            for split, first, arrays, size in self._arrays(Location.of(place), list(some)):
                told = (split.source, split.start)
                place_of = [*(pa.repeat(pa.scalar(one, pa.int64()), size) for one in told), _count(first, size)]
                repeated = [pa.repeat(one, size) for one in constants]
                yield pa.RecordBatch.from_arrays([*place_of, *arrays, *repeated], schema=self.schema)

    def _arrays(self, place: Location, splits: Sequence[Split]) -> Iterator[tuple[Split, int, list[Any], int]]:
        """Give the columns of records: their split, the first one's number in it, arrays, and how many they are."""
        if isinstance(self.rule, OtherRule) and len(self.columns):
            _refuse_others(place, self.rule.schema(place), self.columns)
            for split in splits:
                first = 0
                for batch in self.rule.batches(place, split, self.columns.names):
                    yield split, first, [_cast(batch.column(one.name), one.type) for one in self.columns], len(batch)
                    first += len(batch)
        elif not len(self.columns) and not isinstance(self.rule, JsonRule):
            for split in splits:
                yield from ((split, i, [], min(ROWS, split.records - i)) for i in range(0, split.records, ROWS))
        elif isinstance(self.rule, JsonRule):
            yield from self._of_lines(place, splits, self.rule)
        else:
            yield from self._of_groups(place, splits)

    def _of_groups(self, place: Location, splits: Sequence[Split]) -> Iterator[tuple[Split, int, list[Any], int]]:
        """Read row groups."""
        try:
            with place.open_input() as file:
                parquet = open_parquet(file)
                _refuse_others(place, parquet.schema_arrow, self.columns)
                options = {"columns": self.columns.names, "use_threads": False}
                for split in splits:
                    first = 0
                    for batch in parquet.iter_batches(ROWS, row_groups=[split.start], **options):
                        yield (
                            split,
                            first,
                            [_cast(batch.column(one.name), one.type) for one in self.columns],
                            len(batch),
                        )
                        first += len(batch)
        except (pa.ArrowException, OSError) as error:
            require_reached(place, error)
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(f"cannot read {place}, which is damaged ({reason}). Repair it or leave it out.") from error

    def _of_lines(
        self, place: Location, splits: Sequence[Split], rule: JsonRule
    ) -> Iterator[tuple[Split, int, list[Any], int]]:
        """Read lines."""
        for split in splits:
            first = 0
            for objects in objects_of(place, split, rule):
                arrays = [_array([one.get(column.name) for _, one in objects], column.type) for column in self.columns]
                yield split, first, arrays, len(objects)
                first += len(objects)


def _refuse_others(place: Location, schema: pa.Schema, columns: pa.Schema) -> None:
    """Refuse a file that lacks a column of the predicate, or has it in another type."""
    for column in columns:
        places = schema.get_all_field_indices(column.name)
        found = sql_type(schema.field(places[0]).type) if len(places) == 1 else None
        if not places or found != column.type:
            there = f"holds {found}" if places else "is missing"
            raise InputError(
                f"corpus.where names {column.name}, which {there} in {place}, and holds {column.type} in the first "
                "file. Read files of one layout at a time, or leave it out."
            )


def _cast(array: Any, kind: Any) -> Any:
    """See an array in SQL's type; of times, what is below a microsecond is cut off, as Spark does."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    return array if array.type == kind else pc.cast(array, kind, safe=not _has_times(kind))


def _array(values: list[Any], kind: Any) -> Any:
    """Lay values of JSON out; integers among numbers are numbers."""
    if pa.types.is_floating(kind):
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, kind)


def _has_times(kind: Any) -> bool:
    """Say whether there are times in a type."""
    return "timestamp" in str(kind)


def _count(first: int, size: int) -> Any:
    """Number records."""
    return pa.array(range(first, first + size), pa.int64())
