"""Which token an id of a tokenizer.json stands for: one name for each id, the same in every run."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from leadterm.errors import InputError

MOST_HOLES = 2**20
"""Ids without a token: vocabularies are padded to round numbers, but each id takes memory as a token does."""
_LISTED = 3


def shared_ids(vocabulary: Mapping[str, int], text: str) -> dict[int, list[str]]:
    """Find the ids that several tokens share, and these tokens in the order of the file.

    Parameters
    ----------
    vocabulary
        The ids that the tokenizers library gives, in whatever order: it keeps them in a hash map.
    text
        Of the tokenizer.json. Its added tokens come first, as in every file that the library writes.

    Examples
    --------
    >>> shared_ids({"c": 1, "a": 0, "b": 1}, '{"model": {"vocab": {"a": 0, "b": 1, "c": 1}}}')
    {1: ['b', 'c']}
    """
    if len(set(vocabulary.values())) == len(vocabulary):
        return {}
    found: dict[int, list[str]] = {}
    fields = json.loads(text)
    for token in dict.fromkeys(chain((one["content"] for one in _added(fields)), _of_model(fields))):
        if token in vocabulary:
            found.setdefault(vocabulary[token], []).append(token)
    return {index: tokens for index, tokens in sorted(found.items()) if len(tokens) > 1}


def tokens_by_id(vocabulary: Mapping[str, int], shared: Mapping[int, list[str]]) -> tuple[str, ...]:
    """Name each id by its token, of several by the first: as many as the largest id + 1, all different.

    Raises
    ------
    InputError
        There is no token, or far more ids than tokens.

    Examples
    --------
    >>> tokens_by_id({"c": 1, "a": 0, "b": 1, "d": 3}, {1: ["b", "c"]})
    ('a', 'b', '<no token 2>', 'd')
    """
    if not vocabulary:
        raise InputError("A tokenizer must have at least one token; found none. Train it, or name another one.")
    size = max(vocabulary.values()) + 1
    if size > len(vocabulary) + MOST_HOLES:
        raise InputError(
            f"A tokenizer must have about as many ids as tokens; found {len(vocabulary):,} tokens and the id "
            f"{size - 1:,}. Number its tokens from 0."
        )
    named = {index: token for token, index in vocabulary.items()}
    named |= {index: tokens[0] for index, tokens in shared.items()}
    return tuple(named[index] if index in named else _hole(index, vocabulary) for index in range(size))


def with_its_model(saved: str, text: str) -> str:
    """Put the model of a tokenizer.json into what the library made of it, which keeps one token of each id only.

    Examples
    --------
    >>> with_its_model('{"padding": null, "model": {"vocab": {"b": 0}}}', '{"model": {"vocab": {"a": 0, "b": 0}}}')
    '{"padding": null, "model": {"vocab": {"a": 0, "b": 0}}}'
    """
    return json.dumps(json.loads(saved) | {"model": json.loads(text)["model"]}, ensure_ascii=False)


def oddities(vocabulary: Mapping[str, int], text: str) -> list[str]:
    """Say where a tokenizer.json does not give each id one token, and each token one id, and what becomes of it.

    Examples
    --------
    >>> oddities({"a": 0, "b": 1, "c": 1}, '{"model": {"vocab": {"a": 0, "b": 1, "c": 1}}}')
    ["tokens that share an id, which is named after the first: 'b' and 'c' have 1"]
    """
    twice: list[str] = []
    fields = json.loads(text, object_pairs_hook=lambda pairs: _noting_twice(pairs, twice))
    pieces = Counter(_of_model(fields))
    twice += [token for token, times in pieces.items() if times > 1]
    moved = [(one["content"], one["id"]) for one in _added(fields) if vocabulary.get(one["content"]) != one["id"]]
    told = {
        "tokens that share an id, which is named after the first": [
            f"{' and '.join(map(repr, tokens))} have {index:,}"
            for index, tokens in shared_ids(vocabulary, text).items()
        ],
        "tokens that are listed twice; the last one counts, the other ids never occur": [
            f"{token!r} has {vocabulary[token]:,}" for token in dict.fromkeys(twice) if token in vocabulary
        ],
        "added tokens whose id in the tokenizers library, and so in the model, differs from the file's": [
            f"{token!r} has {_number(vocabulary.get(token))}, not {index:,}" for token, index in moved
        ],
    }
    return [f"{what}: {_some(cases)}" for what, cases in told.items() if cases]


def _added(fields: Mapping[str, Any]) -> list[Any]:
    """Give the added tokens of a tokenizer.json."""
    return fields.get("added_tokens") or []


def _of_model(fields: Mapping[str, Any]) -> Iterator[str]:
    """Give the tokens of the model of a tokenizer.json: the keys of a mapping, or a list of pairs with scores."""
    vocabulary = fields["model"].get("vocab") or ()
    return iter(vocabulary) if isinstance(vocabulary, dict) else (piece for piece, _ in vocabulary)


def _noting_twice(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    """Make a mapping, and note keys that stand in it twice."""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice.extend(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return made


def _hole(index: int, vocabulary: Mapping[str, int]) -> str:
    """A name for an id that no token has, different from all tokens."""
    name = f"<no token {index}>"
    while name in vocabulary:
        name = f"<{name}>"
    return name


def is_hole(token: str, index: int) -> bool:
    """Say whether this is the name of an id that no token has.

    Examples
    --------
    >>> is_hole("<no token 7>", 7), is_hole("<no token 7>", 8)
    (True, False)
    """
    return token.lstrip("<").rstrip(">") == f"no token {index}" and token.startswith("<")


def _number(index: int | None) -> str:
    return "none" if index is None else f"{index:,}"


def _some(cases: list[str]) -> str:
    """List the first cases."""
    more = len(cases) - _LISTED
    return "; ".join(cases[:_LISTED]) + (f"; and {more:,} more" if more > 0 else "")
