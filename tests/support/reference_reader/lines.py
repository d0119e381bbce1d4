"""JSON lines by RFC 8259, a line at a time: every line is one object, or the file is refused."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.reference_reader.asked import Asked, Document, Read, Refused
from support.reference_reader.packed import unpack

BOM = b"\xef\xbb\xbf"
LINE_END = re.compile("\r\n|\n|\r")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
BRACKET, HALF = re.compile(r"[\[\]{}]"), re.compile("[\ud800-\udfff]")
MOST_NESTED, LOOKED_AT, LONGEST_ID = 1000, 100, 1000
MISSING = object()


class Pairs(list[tuple[str, Any]]):
    """An object, with every key that it writes; an array is a plain list."""


class Branches(list[Any]):
    """What lies at the end of a path in each object of an array on the way."""


class Integer(str):
    """A number without point and exponent, as it is written: of any length."""

    __slots__ = ()


class Number(str):
    """Any other number."""

    __slots__ = ()


def read_lines(data: bytes, asked: Asked) -> Read:
    """Read a file of JSON lines."""
    documents: list[Document] = []
    has_key, keys, layouts, replaced = False, set(), set(), 0
    for number, record in _records(unpack(data)):
        try:
            _refuse_twice(record, {asked.column, *asked.column.split(".")})
            value, is_literal = _find(record, asked)
            document, is_replaced = _document(value, asked)
        except Refused as error:
            raise Refused(f"line {number}: {error}") from error
        if not _is_missing(value):
            layouts.add(is_literal)
        if len(layouts) > 1:
            raise Refused(f"line {number}: the whole name is a key in some lines, and the way down to one in others")
        if len(documents) < LOOKED_AT:
            has_key |= bool(layouts)
            keys |= {key for key, _ in record}
        documents.append(document)
        replaced += is_replaced
    if documents and not has_key:
        raise Refused(f"none of the first records has the key; they have {sorted(keys)}")
    return Read(documents, replaced)


def _records(data: bytes) -> Iterator[tuple[int, Pairs]]:
    """Give the number and the object of each line that is not blank."""
    data = data.removeprefix(BOM)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = len(LINE_END.findall(data[: error.start].decode())) + 1
        raise Refused(f"line {line}: {error}") from error
    for number, line in enumerate(LINE_END.split(text), start=1):
        if line.strip(" \t"):
            yield number, _parse(line, number)


def _parse(line: str, number: int) -> Pairs:
    if _depth(line) > MOST_NESTED:
        raise Refused(f"line {number}: nested too deep")
    try:
        with _deep_recursion():
            value = json.loads(
                line, object_pairs_hook=Pairs, parse_int=Integer, parse_float=Number, parse_constant=_no_constant
            )
    except ValueError as error:
        raise Refused(f"line {number}: {error}") from error
    if not isinstance(value, Pairs):
        raise Refused(f"line {number}: no object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(line: str) -> int:
    """Count how deep brackets lie in each other, strings left out."""
    deepest = depth = 0
    for bracket in BRACKET.findall(STRING.sub("", line)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let Python's own parser go as deep as a line may nest."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 10 * MOST_NESTED))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _find(record: Pairs, asked: Asked) -> tuple[Any, bool]:
    """Take the value of the literal key; without one, what lies at the end of the dotted path. Says which it was."""
    is_literal = any(key == asked.column for key, _ in record)
    path = [asked.column] if is_literal else asked.column.split(".")
    return _walk(record, path, may_branch=not asked.is_ids), is_literal


def _refuse_twice(record: Pairs, names: set[str]) -> None:
    """Refuse an object, wherever it lies, in which a name of the column stands twice."""
    left: list[Any] = [record]
    while left:
        value = left.pop()
        if isinstance(value, Pairs):
            keys = [key for key, _ in value if key in names]
            if len(keys) > len(set(keys)):
                raise Refused(f"a key stands twice: {keys}")
            left += [inner for _, inner in value]
        elif isinstance(value, list):
            left += value


def _is_missing(value: Any) -> bool:
    """Say whether a record lacks the key; no object in a list on the way to it lacks it too."""
    return value is MISSING or (isinstance(value, Branches) and all(one is MISSING for one in value))


def _walk(value: Any, path: list[str], *, may_branch: bool) -> Any:
    if not path:
        return value
    if value is None:
        return MISSING
    if isinstance(value, Pairs):
        found = [inner for key, inner in value if key == path[0]]
        return _walk(found[0], path[1:], may_branch=may_branch) if found else MISSING
    if isinstance(value, list) and may_branch:
        return Branches(_walk(inner, path, may_branch=False) for inner in value)
    raise Refused(f"{path[0]!r} is asked of something that is no object")


def _document(value: Any, asked: Asked) -> tuple[Document, bool]:
    """Give what a value is as a document, and whether a surrogate was replaced in it."""
    if value is None or value is MISSING:
        return None, False
    if asked.is_ids:
        if type(value) is list and all(type(one) is Integer and len(one) < LONGEST_ID for one in value):
            return [int(one) for one in value], False
        raise Refused("no list of integers")
    if (
        isinstance(value, list)
        and not isinstance(value, Pairs)
        and asked.join is not None
        and all(type(one) is str for one in value)
    ):
        value = asked.join.join(value)
    if type(value) is not str:
        raise Refused("no string")
    whole = HALF.sub("\ufffd", value)
    if whole != value and not asked.replaces_surrogates:
        raise Refused("half of a surrogate pair")
    return whole, whole != value
