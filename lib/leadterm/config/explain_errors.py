"""Validation problems in the words of the configuration: the key, what was found, what is allowed."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from leadterm.config.describe_schema import describe_value, kind_of

Models = tuple[type[BaseModel], ...]


@dataclass(frozen=True)
class _Place:
    """Where a problem is: its path, the models that may own the last key, and those that its value may be."""

    path: tuple[int | str, ...]
    owners: Models
    inner: Models

    @property
    def dotted(self) -> str:
        text = "".join(f".{part}" if str(part).isidentifier() else f"[{part!r}]" for part in self.path)
        return text.removeprefix(".")


def describe_problems(error: ValidationError, model: type[BaseModel], source: str) -> str:
    """All problems of one configuration; one line each if there are several."""
    lines = list(dict.fromkeys(_describe(problem, model) for problem in error.errors(include_url=False)))
    if len(lines) == 1:
        return f"{source}: {lines[0]}"
    return "\n".join([f"{source}: {len(lines)} problems:", *(f"  {line}" for line in lines)])


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None if none is like it.

    Examples
    --------
    >>> nearest("lenght", ["length", "policy"])
    'length'
    """
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


def _describe(problem: ErrorDetails, root: type[BaseModel]) -> str:
    place, kind = _locate(problem["loc"], root), problem["type"]
    if kind == "extra_forbidden":
        return _unknown_key(place, root)
    if kind == "combination":
        return f"{place.dotted}: {problem['msg']}." if place.path else f"{problem['msg']}."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_tag(place, problem["input"])
    if problem["loc"][-1] == "[key]":
        return (
            f"{place.dotted}: found {problem['input']!r}; expected the name of a Spark property, "
            "which starts with 'spark.'. Correct the name."
        )
    allowed = problem["msg"] if kind == "size" else _allowed(place)
    if kind == "missing":
        return f"{place.dotted}: this key is missing; expected {allowed}. Add it."
    return f"{place.dotted}: found {_found(problem['input'])}; expected {allowed}. Change it."


def _locate(location: tuple[int | str, ...], root: type[BaseModel]) -> _Place:
    """Follow a location of pydantic's through the models, leaving out its own marks (members of unions)."""
    place = _Place((), (), (root,))
    for part in location:
        chosen = tuple(model for model in place.inner if _tag(model) == part)
        if chosen:
            place = _Place(place.path, place.owners, chosen)
        elif place.inner and isinstance(part, int):  # an entry of a list of sections
            place = _Place((*place.path, part), place.owners, place.inner)
        elif place.inner or isinstance(part, int):
            owners = place.inner or place.owners
            place = _Place((*place.path, part), owners, _models_of(owners, part))
        elif place.path == ("spark",):  # the name of a property; what follows is a member of the union of its types
            place = _Place((*place.path, part), place.owners, ())
    return place


def _models_of(owners: Models, key: int | str) -> Models:
    fields = [model.model_fields[str(key)] for model in owners if str(key) in model.model_fields]
    types = [kind for field in fields for kind in (get_args(field.annotation) or (field.annotation,))]
    return tuple(kind for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel))


def _tag(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    return str(get_args(kind.annotation)[0]) if kind else None


def _allowed(place: _Place) -> str:
    if place.path[0] == "spark" and len(place.path) == 2:
        return "text, a number, true or false"
    if place.inner:
        return f"a mapping with the keys {', '.join(dict.fromkeys(key for m in place.inner for key in m.model_fields))}"
    key = next((part for part in reversed(place.path) if any(part in model.model_fields for model in place.owners)), "")
    owner = next((model for model in place.owners if key in model.model_fields), None)
    return describe_value(owner.model_json_schema()["properties"][key]) if owner else "another value"


def _unknown_key(place: _Place, root: type[BaseModel]) -> str:
    key = str(place.path[-1])
    known = list(dict.fromkeys(name for model in place.owners for name in model.model_fields))
    match = nearest(key, known)
    prefix = place.dotted.removesuffix(key)
    suggestion = prefix + match if match else _nearest_elsewhere(key, root)
    if suggestion == place.dotted:
        hint = "It belongs to another kind; remove it, or change the kind."
    else:
        hint = f"Did you mean '{suggestion}'?" if suggestion else "Remove it."
    return f"{place.dotted}: unknown key; expected one of {', '.join(known)}. {hint}"


def _nearest_elsewhere(key: str, root: type[BaseModel]) -> str | None:
    """The dotted key of any section most like `key`, or None."""
    dotted = {
        name: f"{section}.{name}"
        for section in root.model_fields
        for model in _models_of((root,), section)
        for name in model.model_fields
    }
    match = nearest(key, dotted)
    return dotted[match] if match else None


def _wrong_tag(place: _Place, value: Any) -> str:
    kinds = [str(_tag(model)) for model in place.inner]
    if not isinstance(value, Mapping) or "kind" not in value:
        return f"{place.dotted}.kind: this key is missing; expected one of {', '.join(kinds)}. Add it."
    match = nearest(str(value["kind"]), kinds)
    hint = f"Did you mean '{match}'?" if match else "Change it."
    return f"{place.dotted}.kind: found {_found(value['kind'])}; expected one of {', '.join(kinds)}. {hint}"


def _found(value: object) -> str:
    shown = repr(list(value) if isinstance(value, tuple) else value)
    return f"{shown if len(shown) <= 60 else shown[:57] + '...'} ({kind_of(value)})"
