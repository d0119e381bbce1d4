"""The same record of JSON, spelled in the many ways that RFC 8259 allows."""

from __future__ import annotations

import json
from random import Random

from support.odd_corpora.settings import Setting
from support.reference_reader import Asked, Document

Value = str | list[str] | None
"""A value that is written already; an array's values; None stands for a key that is left out."""
SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
HALVES = {
    "\\ud83d": "\ufffd", "\\uDE00": "\ufffd", "\\uDE00\\uD83D": "\ufffd\ufffd", "\\ud83dx": "\ufffdx",
    "\\ud83d\\ud83d\\ude00": "\ufffd😀", "a\\uDC00b": "a\ufffdb", "\\uD800\\u0041": "\ufffdA", "\\udbff😀": "\ufffd😀",
}  # fmt: skip
"""Escapes of a half of a surrogate pair, and what they are read as where that is allowed."""
OTHERS = (
    '"n":1', '"n":-0', '"n":1e999', '"n":-0.0E+10', '"n":1,"n":2', '"big":' + "9" * 5000, '"":""',
    '"b":[true,false,null]', '"Text":"other"', '"TEXT":5', '"other":{"m":"inner","m":"twice","text":1}',
    '"lone":"\\ud83d"', '"\\udc00":0', '"k\\u0065y":"\\\\u0061"', '"quote\\"d":{}', '"l":[1,"a",{"b":[]},[[]]]',
    '"__proto__":{}', '"_corrupt_record":"x"', '"_leadterm_corrupt":"x"', '"document":"x"', '"path":"x"',
    '"é字😀":"é字😀"', '"brackets":"]}}[{,:"', '"s":"\\\\"', '"deep":' + "[" * 900 + "]" * 900,
    '"deep":' + '{"a":' * 400 + "1" + "}" * 400, '"long":"' + "x" * 20_000 + '"',
)  # fmt: skip


def string(random: Random, value: str) -> str:
    """Write a string, some characters as escapes."""
    style = random.choice(("raw", "raw", "escaped", "mixed"))
    if style == "raw" or len(value) > 10_000:
        return json.dumps(value, ensure_ascii=style != "raw")
    return f'"{"".join(_character(random, one, style) for one in value)}"'


def _character(random: Random, one: str, style: str) -> str:
    must = one in '"\\' or one < " "
    if not must and style == "mixed" and random.random() < 0.7:
        return one
    if one in SHORT and random.random() < 0.7:
        return SHORT[one]
    units = one.encode("utf-16-be", "surrogatepass")
    codes = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return "".join(f"\\u{random.choice((code, code.upper()))}" for code in codes)


def gap(random: Random) -> str:
    """White space as it may stand between tokens."""
    return random.choice(("", "", "", " ", "  ", "\t", " \t "))


def value_of(random: Random, document: Document, asked: Asked) -> Value:
    """Write a document as a value."""
    if document is None:
        return random.choice(("null", None))
    if isinstance(document, list):
        return [str(one) for one in document]
    if asked.join is None or random.random() < 0.2:
        return string(random, document)
    parts = document.split(asked.join) if document or random.random() < 0.5 else []
    return [string(random, part) for part in parts]


def record(random: Random, value: Value, setting: Setting) -> tuple[str, bool]:
    """Write a record around a value; says whether it has the key."""
    field, has_key = _field(random, setting.names, value, may_branch=setting.asked.join is not None)
    fields = [field, *random.sample(OTHERS, random.choice((0, 0, 0, 1, 2, 4)))]
    random.shuffle(fields)
    return _object(random, fields), has_key


def _field(random: Random, names: list[str], value: Value, *, may_branch: bool) -> tuple[str, bool]:
    """Write the field at the start of a path, empty where it is left out; says whether the path's end is there."""
    name, *rest = names
    has_key = value is not None
    if value is None and rest and random.random() < 0.7:
        written = random.choice(("null", "{}", '{"other":1}'))
    elif rest and may_branch and isinstance(value, list):
        written = _array(random, [_object(random, [_field(random, rest, one, may_branch=False)[0]]) for one in value])
        has_key = bool(value)
    elif rest:
        inner, has_key = _field(random, rest, value, may_branch=may_branch)
        written = _object(random, [inner])
    elif value is None:
        return "", False
    else:
        written = value if isinstance(value, str) else _array(random, value)
    return f"{string(random, name)}{gap(random)}:{gap(random)}{written}", has_key


def _array(random: Random, values: list[str]) -> str:
    return f"[{gap(random)}{f'{gap(random)},{gap(random)}'.join(values)}{gap(random)}]"


def _object(random: Random, fields: list[str]) -> str:
    inside = f"{gap(random)},{gap(random)}".join(field for field in fields if field)
    return f"{{{gap(random)}{inside}{gap(random)}}}"
