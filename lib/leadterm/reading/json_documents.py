"""Lines of JSON to documents: each line is one object by RFC 8259, to its last byte, or is refused."""

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

from leadterm.errors import InputError
from leadterm.reading.document_column import JOIN, ColumnRule
from leadterm.reading.line_blocks import BYTE_ORDER_MARK

SHOWN = 60
"""Bytes of a bad line that a message shows."""
TOO_DEEP = "depth limit"
"""What orjson says of lists and objects in each other more than 1,024 deep."""
SURROGATE = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"
DIGITS = 4_000
"""Python refuses to read longer integers, which no document is."""
MOST_ID = 2**63


@dataclass
class JsonReader:
    """Takes documents out of lines.

    Attributes
    ----------
    rule
        Which key.
    replaces
        Whether half a surrogate pair becomes U+FFFD; else it is refused.
    replaced
        How many texts had one so far.
    """

    rule: ColumnRule
    replaces: bool = False
    replaced: int = 0

    def __post_init__(self) -> None:
        self._names = {self.rule.column, *self.rule.column.split(".")}
        self._keys = [json.dumps(name, ensure_ascii=False).encode() for name in self._names]
        self._escape = b"\\" if "/" in self.rule.column else b"\\u"
        self._escaped = re.compile(_any_escape_of("".join(sorted(self._names))).encode(), re.IGNORECASE)

    def document(self, line: bytes, path: tuple[str, ...]) -> Any:
        """Give the document of a line; None where the key is missing or null.

        Raises
        ------
        InputError
            Says what is wrong with the line, without its file and number.
        """
        value = self.parse(line)
        column = self.rule.column
        if len(path) > 1 and column in value:
            raise InputError(f"it has the key '{column}' itself, other lines have a nested key. Use one layout")
        if len(path) == 1 and column not in value:
            path = tuple(column.split("."))
            if has_key(value, path):
                raise InputError(f"it has a nested key '{column}', other lines have the key itself. Use one layout")
        return self._checked(self._find(value, path))

    def parse(self, line: bytes) -> dict[str, Any]:
        """Read a line as one JSON object.

        Raises
        ------
        InputError
            Says what is wrong with it.
        """
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if TOO_DEEP in str(error):
                raise InputError(f"lists and objects are nested too deeply: {short(line)}") from error
            value = self._parse_slowly(line)
        else:
            if any(line.count(key) > 1 for key in self._keys) or (self._escape in line and self._escaped.search(line)):
                self._parse_slowly(line)  # Which looks for a key that stands twice, also spelt with escapes.
        if not isinstance(value, dict):
            raise InputError(f"it is JSON but not an object: {short(line)}. Each line must be an object with the key "
                             f"'{self.rule.column}'")  # fmt: skip
        return value

    def _parse_slowly(self, line: bytes) -> Any:
        """Read a line that orjson does not take: halves of surrogate pairs and huge numbers are JSON all the same."""
        try:
            return json.loads(
                line.decode(), parse_constant=_no_constant, parse_int=_integer, object_pairs_hook=self._object
            )
        except UnicodeDecodeError as error:
            mark = ", with a byte order mark, which concatenated files may have" if BYTE_ORDER_MARK in line else ""
            raise InputError(f"it is not UTF-8 ({error}): {short(line)}{mark}") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"it is not a JSON object ({_reason(line, error)}): {short(line)}") from error

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make an object, in which no key on the way to the documents stands twice."""
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            for name in self._names.intersection(names):
                if names.count(name) > 1:
                    raise ValueError(f"the key '{name}' appears twice")
        return made

    def _find(self, value: Any, path: tuple[str, ...]) -> Any:
        """Go down to the key; through a list of objects, where texts are joined."""
        for depth, name in enumerate(path):
            if isinstance(value, list) and not self.rule.is_ids:
                return [self._find(one, path[depth:]) for one in value]
            if value is None:
                return None
            if not isinstance(value, dict):
                raise InputError(f"'{'.'.join(path[:depth])}' is {_shown(value)}; expected an object")
            value = value.get(name)
        return value

    def _checked(self, value: Any) -> Any:
        """Check that a value is a document or null."""
        if value is None:
            return None
        if self.rule.is_ids:
            if isinstance(value, list) and all(type(one) is int and -MOST_ID <= one < MOST_ID for one in value):
                return value
            raise InputError(f"'{self.rule.column}' is {_shown(value)}; expected a list of integers")
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            if self.rule.join is None:
                raise InputError(f"'{self.rule.column}' is a list of texts: {_shown(value)}. {JOIN.rstrip('.')}")
            value = self.rule.join.join(value)
        if not isinstance(value, str):
            raise InputError(f"'{self.rule.column}' is {_shown(value)}; expected a string")
        return self._without_surrogates(value)

    def _without_surrogates(self, text: str) -> str:
        """Refuse or replace halves of surrogate pairs, which no UTF-8 can hold."""
        try:
            text.encode()
        except UnicodeEncodeError as error:
            if not self.replaces:
                code = f"\\u{ord(text[error.start]):04x}"
                raise InputError(
                    f"'{self.rule.column}' has an unpaired surrogate, {code}, which is not a character. Correct the "
                    "text, or read it as U+FFFD with corpus.surrogates: replace"
                ) from None
            self.replaced += 1
            return SURROGATE.sub(REPLACEMENT, text)
        return text


def has_key(value: Any, path: tuple[str, ...]) -> bool:
    """Say whether an object has a key, however deep; a list on the way has what one of its objects has."""
    for depth, name in enumerate(path):
        if isinstance(value, list):
            return any(has_key(one, path[depth:]) for one in value)
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def _any_escape_of(names: str) -> str:
    """Write a pattern of the escapes with which JSON can write letters of some names."""
    units = names.encode("utf-16-be", "surrogatepass")
    codes = sorted({units[at : at + 2].hex() for at in range(0, len(units), 2)})
    return "|".join([*(rf"\\u{code}" for code in codes), *([r"\\/"] if "/" in names else [])])


def _reason(line: bytes, error: Exception) -> str:
    """Say why a line is no JSON; two objects in a line are what files have that were joined without a line's end."""
    if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
        rest = line.decode()[error.pos :]
        what = "another object" if rest.startswith("{") else f"{rest[:20]!r}"
        return f"its object is followed by {what}; each line must hold one object"
    if line.startswith(BYTE_ORDER_MARK):
        return "it begins with a byte order mark, which concatenated files may have"
    return str(error)


def _no_constant(name: str) -> Any:
    """Refuse what Python reads and JSON lacks."""
    raise ValueError(f"JSON has no {name}")


def _integer(digits: str) -> float | int:
    """Read an integer; one that is too long for Python is no id either."""
    return int(digits) if len(digits) <= DIGITS else float("inf")


def _shown(value: Any) -> str:
    """Show a value as JSON, or the beginning of it."""
    return json.dumps(value)[:40]


def short(line: bytes) -> str:
    """Show the beginning of a line."""
    return repr(line[:SHOWN].decode(errors="replace"))
