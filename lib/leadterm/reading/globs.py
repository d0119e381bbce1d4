"""Patterns of paths, as users of a shell mean them: ``*``, ``?``, ``[a-z]``, ``{a,b}``, and ``**`` for all levels."""

import re
from collections.abc import Iterator
from itertools import pairwise

from leadterm.errors import InputError

MAGIC = re.compile(r"[*?\[{]")
"""What makes a path a pattern."""
ALL_LEVELS = "**"
_PIECE = re.compile(r"\\.|\[[!^]?\]?[^\]/]*\]|[*?]|[^*?\[\\]+|.", re.DOTALL)


def is_pattern(path: str) -> bool:
    """Say whether a path is a pattern."""
    return MAGIC.search(path) is not None


def expand_braces(pattern: str) -> list[str]:
    """Write a pattern without ``{a,b}``: as one for each of the alternatives.

    Raises
    ------
    InputError
        If a brace is not closed.

    Examples
    --------
    >>> expand_braces("a/{b,c/{d,e}}.json")
    ['a/b.json', 'a/c/d.json', 'a/c/e.json']
    """
    start = _first_brace(pattern)
    if start < 0:
        return [pattern]
    depth, cuts = 0, [start]
    for place in range(start, len(pattern)):
        letter = "" if _is_escaped(pattern, place) else pattern[place]
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if (letter == "," and depth == 1) or depth == 0:
            cuts.append(place)
        if depth == 0:
            alternatives = [pattern[first + 1 : last] for first, last in pairwise(cuts)]
            before, after = pattern[:start], pattern[place + 1 :]
            return [whole for one in alternatives for whole in expand_braces(before + one + after)]
    raise InputError(f"the pattern {pattern} has an unclosed brace. Close it, or write \\{{ for the character itself.")


def match_part(part: str) -> re.Pattern[str]:
    r"""Compile the pattern of one name, between two slashes, as a regular expression.

    Raises
    ------
    InputError
        If ``**`` stands beside other letters, or a bracket is not closed: readers take such patterns differently.

    Examples
    --------
    >>> bool(match_part("part-*.js[on]?").fullmatch("part-0.json"))
    False
    >>> bool(match_part("part-*.js[on]?").fullmatch("part-0.json"[:-1] + "x"))
    True
    """
    if ALL_LEVELS in part:
        raise InputError(
            f"'{part}' in a pattern: ** matches any number of folders and must be a whole path "
            "component, as in data/**/*.parquet. Write * to match within a name."
        )
    return re.compile("".join(_translated(piece, part) for piece in _PIECE.findall(part)), re.DOTALL)


def _translated(piece: str, part: str) -> str:
    """Write a piece of a pattern as a regular expression."""
    if piece in ("*", "?"):
        return ".*" if piece == "*" else "."
    if piece == "[":
        raise InputError(f"'{part}' in a pattern has an unclosed bracket. Close it, or write \\[ instead.")
    if piece.startswith("[") and len(piece) > 1:
        inside = piece[1:-1]
        negated = inside.startswith(("!", "^"))
        letters = inside[negated:].replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        try:
            re.compile(f"[{letters}]")
        except re.error as error:
            raise InputError(f"'{piece}' in a pattern is not a valid character set ({error}). Correct it.") from error
        return f"[{'^' if negated else ''}{letters}]"
    return re.escape(piece.removeprefix("\\") or piece)


def _first_brace(pattern: str) -> int:
    """Find the first brace that opens alternatives; -1 if there is none."""
    found: Iterator[int] = (i for i, one in enumerate(pattern) if one == "{" and not _is_escaped(pattern, i))
    return next(found, -1)


def _is_escaped(pattern: str, place: int) -> bool:
    """Say whether an odd number of backslashes stands before a letter."""
    before = pattern[:place]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
