"""Options of a command that are keys of a section of the configuration, which alone says what each is and allows."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadterm.config import Section


def add_section_options(
    parser: argparse.ArgumentParser,
    section: type[Section],
    keys: Iterable[str],
    notes: Mapping[str, str] | None = None,
) -> None:
    """Give a command an option for each of some keys of a section; a key that must be given becomes a positional.

    Parameters
    ----------
    parser
        Of the command.
    section
        The section. It checks what is given, so the parser only reads words and whole numbers apart.
    keys
        Whose values are texts, whole numbers, booleans, or lists of these.
    notes
        What help should say of a key besides its description in the section.
    """
    properties = section.model_json_schema()["properties"]
    for key in keys:
        text = _help(properties[key], (notes or {}).get(key))
        if section.model_fields[key].is_required():
            parser.add_argument(key, help=text)
        else:
            flag = f"-{key}" if len(key) == 1 else f"--{key.replace('_', '-')}"
            parser.add_argument(flag, dest=key, default=argparse.SUPPRESS, help=text, **_kind(properties[key]))


def given_settings(options: argparse.Namespace, section: type[Section]) -> dict[str, Any]:
    """Collect the settings of a section that were given on the command line; the rest is left to its defaults."""
    properties = section.model_json_schema()["properties"]
    return {key: _value(getattr(options, key), properties[key]) for key in properties if hasattr(options, key)}


def _help(schema: Mapping[str, Any], note: str | None) -> str:
    """Describe a key; ``null`` cannot be typed, and is what it means to leave an option out."""
    text = schema["description"].replace("; null: ", "; default: ")
    text = f"{text}; {note}" if note else text
    default = schema.get("default")
    is_nothing = default is None or default is False or default == []
    return (text if is_nothing else f"{text} (default {default})").replace("%", "%%")


def _kind(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Say how argparse reads the values that a key's JSON schema allows."""
    if schema.get("type") == "boolean":
        return {"action": "store_true" if schema["default"] is False else argparse.BooleanOptionalAction}
    kinds = _alternatives(schema)
    text = kinds.get("string", {})
    words = text.get("enum", [text["const"]] if "const" in text else [])
    if "array" in kinds:
        return {"nargs": "+", **_one_of_list(kinds["array"]["items"])}
    if "integer" in kinds:
        return {"type": _number, "metavar": f"{{{','.join([*words, 'N'])}}}" if words else "N"}
    return {"choices": words} if words else {"metavar": "NAME"}


def _one_of_list(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": _number, "metavar": "N"} if schema.get("type") == "integer" else {"metavar": "NAME"}


def _alternatives(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {kind["type"]: kind for kind in schema.get("anyOf", [schema]) if kind["type"] != "null"}


def _number(text: str) -> str | int:
    """Read a number, or leave a word as it is."""
    return int(text) if text.removeprefix("-").isdecimal() else text


def _value(given: Any, schema: Mapping[str, Any]) -> Any:
    """Take a single word out of its list where a key allows words and lists."""
    is_word = isinstance(given, list) and len(given) == 1 and isinstance(given[0], str)
    return given[0] if is_word and "string" in _alternatives(schema) else given
