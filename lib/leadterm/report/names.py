"""Tokens as people read them: spaces and control characters as marks, bytes as the text that they are."""

from __future__ import annotations

from collections.abc import Sequence

SPACE, NEWLINE, TAB = "␣", "⏎", "⇥"
"""Marks for a space, a line feed and a tabulator."""

BYTE_LEVEL_SPACE, METASPACE = "Ġ", "▁"
"""How byte-level tokenizers, and SentencePiece, write a space."""


def readable(tokens: Sequence[str]) -> list[str]:
    """Write a vocabulary's tokens so that they can be read and told apart.

    Whether they are byte-level is seen from the tokens: where some begin with ``Ġ``, all characters stand for bytes, as
    in GPT-2. A token that is no whole UTF-8 text stays as it is, and so does one that would read like another.

    Examples
    --------
    >>> readable(["Ġking", "king", "Ċ", "Ã©", "Ã", "a"])
    ['␣king', 'king', '⏎', 'é', 'Ã', 'a']
    >>> readable(["▁king", "the"]), readable(["Ã©", "a b"])
    (['␣king', 'the'], ['Ã©', 'a␣b'])
    """
    if any(token.startswith(BYTE_LEVEL_SPACE) for token in tokens):
        table = _bytes_of_characters()
        written = [_marked(_decoded(token, table)) for token in tokens]
    elif any(token.startswith(METASPACE) for token in tokens):
        written = [_marked(token.replace(METASPACE, " ")) for token in tokens]
    else:
        written = [_marked(token) for token in tokens]
    seen: dict[str, int] = {}
    for text in written:
        seen[text] = seen.get(text, 0) + 1
    return [text if seen[text] == 1 else token for text, token in zip(written, tokens, strict=True)]


def _bytes_of_characters() -> dict[str, int]:
    """Map GPT-2's characters to the bytes that they stand for: printable Latin-1 to itself, the rest from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + number): byte for number, byte in enumerate(others)}


def _decoded(token: str, table: dict[str, int]) -> str:
    """Give the text of a byte-level token, or the token itself where its bytes are none."""
    try:
        return bytes(table[character] for character in token).decode()
    except (KeyError, UnicodeDecodeError):
        return token


def _marked(text: str) -> str:
    """Write spaces and what a screen does not show as marks or escapes."""
    text = text.replace(" ", SPACE).replace("\n", NEWLINE).replace("\t", TAB)
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
