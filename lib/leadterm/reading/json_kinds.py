"""Keys of JSON lines as columns: which kind of value stands under each, in all lines."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import pyarrow as pa

from leadterm.errors import InputError
from leadterm.reading.format_checks import JsonRule
from leadterm.reading.json_documents import JsonReader
from leadterm.reading.line_blocks import numbered_lines
from leadterm.reading.read_documents import LINE_REMEDY
from leadterm.reading.splits import Split
from leadterm.storage.location import Location


def objects_of(place: Location, split: Split, rule: JsonRule) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """Read the objects of a split's lines in batches, each with the number of its line.

    Raises
    ------
    InputError
        Names the file and the line that is no object.
    """
    reader = JsonReader(rule, rule.replaces_surrogates)
    for first, block in rule.blocks(place, split):
        objects = []
        for number, line in numbered_lines(block, first):
            try:
                objects.append((number, reader.parse(line)))
            except InputError as error:
                raise InputError(f"{place}, line {number:,}: {error}. {LINE_REMEDY}") from error
        yield objects


@dataclass(frozen=True)
class KindsReader:
    """Says what kinds of values stand under keys of JSON lines; travels to the executors.

    Attributes
    ----------
    rule
        What the files hold.
    keys
        Which.
    """

    rule: JsonRule
    keys: tuple[str, ...]
    SCHEMA: ClassVar[pa.Schema] = pa.schema([("kinds", pa.string())])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Look through the splits named in the batches."""
        found: dict[str, Any] = {}
        for split in (Split(**row) for batch in batches for row in batch.to_pylist()):
            place = Location.of(split.place)
            for number, value in (one for some in objects_of(place, split, self.rule) for one in some):
                for key in self.keys:
                    if value.get(key) is not None:
                        kind = _kind(value[key], f"{place}, line {number:,}")
                        found[key] = _joined(found[key], kind, key) if key in found else kind
        yield pa.RecordBatch.from_pylist([{"kinds": json.dumps(found)}], schema=self.SCHEMA)


def columns_of_lines(kinds: Sequence[str]) -> dict[str, Any]:
    """Join what tasks found under keys, and give the types of the columns.

    Raises
    ------
    InputError
        If lines differ in the kind of what stands under a key; names two.
    """
    every: dict[str, Any] = {}
    for found in map(json.loads, kinds):
        for key, kind in found.items():
            every[key] = _joined(every[key], kind, key) if key in every else kind
    return {key: _type(kind) for key, kind in every.items()}


def _kind(value: Any, where: str) -> list[Any]:
    """Describe a JSON value: the kind, what is inside, and where one stands."""
    if isinstance(value, dict):
        return ["object", {key: _kind(one, where) for key, one in value.items() if one is not None}, where]
    if isinstance(value, list):
        inner = [_kind(one, where) for one in value if one is not None]
        return ["list", reduce(lambda a, b: _joined(a, b, "a list"), inner) if inner else None, where]
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return [names[type(value)] if type(value) is not int or -(2**63) <= value < 2**63 else "number", None, where]


def _joined(one: list[Any], other: list[Any], key: str) -> list[Any]:
    """Describe what is either of two kinds."""
    kinds = {one[0], other[0]}
    if kinds == {"integer", "number"}:
        return ["number", None, one[2]]
    if len(kinds) > 1:
        raise InputError(
            f"corpus.where names '{key}', which has a value of type {one[0]} in {one[2]}, and {other[0]} in "
            f"{other[2]}. Write one type, or choose another key."
        )
    if one[0] == "list":
        inner = [part for part in (one[1], other[1]) if part is not None]
        return ["list", reduce(lambda a, b: _joined(a, b, key), inner) if inner else None, one[2]]
    if one[0] == "object":
        both = {name: _joined(kind, other[1][name], key) if name in other[1] else kind for name, kind in one[1].items()}
        return ["object", {**other[1], **both}, one[2]]
    return one


def _type(kind: list[Any] | None) -> Any:
    """Give the Arrow type of a kind; where only null stands, text."""
    if kind is None:
        return pa.string()
    if kind[0] == "list":
        return pa.list_(_type(kind[1]))
    if kind[0] == "object":
        return pa.struct([(name, _type(kind[1][name])) for name in sorted(kind[1])])
    return {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64(), "string": pa.string()}[kind[0]]
