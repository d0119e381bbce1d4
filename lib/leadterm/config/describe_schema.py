"""Descriptions of what a key allows, and of what a value is."""

from collections.abc import Mapping
from typing import Any

_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean; put words such as on, off, yes, no in quotes"),
    (int, "an integer"),
    (float, "a number"),
    (str, "text"),
    (Mapping, "a mapping"),
    (list, "a list"),
    (tuple, "a list"),
    (type(None), "nothing"),
)
_SCHEMA_KINDS = {"string": "text", "integer": "an integer", "boolean": "true or false", "null": "null"}
_SCHEMA_KINDS |= {"array": "a list of texts", "object": "a mapping", "number": "a number"}


def kind_of(value: object) -> str:
    """The kind of a value, in YAML's terms.

    Examples
    --------
    >>> kind_of(3), kind_of("3"), kind_of(None)
    ('an integer', 'text', 'nothing')
    """
    return next((name for kind, name in _KINDS if isinstance(value, kind)), f"a {type(value).__name__}")


def describe_value(schema: Mapping[str, Any]) -> str:
    """The kind, range, meaning and default that one key's JSON schema states.

    Examples
    --------
    >>> describe_value({"type": "integer", "minimum": 8, "maximum": 40, "description": "digits; bits", "default": 32})
    'an integer from 8 to 40 (digits; bits; default 32)'
    """
    options = schema.get("anyOf", [schema])
    allowed = " or ".join(_describe_option(option) for option in options)
    notes = [str(schema[name]) for name in ("description",) if name in schema]
    if schema.get("default") not in (None, [], {}):
        notes.append(f"default {schema['default']}")
    return f"{allowed} ({'; '.join(notes)})" if notes else allowed


def _describe_option(option: Mapping[str, Any]) -> str:
    if "enum" in option:
        return f"one of {', '.join(map(str, option['enum']))}"
    kind = _SCHEMA_KINDS.get(str(option.get("type")), "a value")
    if option.get("items", {}).get("type") == "integer":
        kind = "a list of integers"
    if "exclusiveMinimum" in option:
        return f"{kind} above {option['exclusiveMinimum']}"
    low, high = option.get("minimum"), option.get("maximum")
    if low is not None and high is not None:
        return f"{kind} from {low} to {high}"
    return f"{kind} of at least {low}" if low is not None else kind
