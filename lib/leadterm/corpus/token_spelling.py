"""How vocabularies spell text: as it is, byte by byte with GPT-2's characters, or with SentencePiece's marks."""

import re
from collections.abc import Sequence
from enum import Enum

BYTE_LEVEL_SPACE, METASPACE = "Ġ", "▁"
"""How byte-level tokenizers, and SentencePiece, write a space."""
_FEW = 100
"""Of this many tokens of a byte-level vocabulary, at least one begins with a space, or all single bytes are there."""
_ONE_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
"""How SentencePiece writes a byte of a character that it has no token for."""


def _bytes_of_characters() -> dict[str, int]:
    """Map GPT-2's characters to the bytes that they stand for: printable Latin-1 to itself, the rest from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + number): byte for number, byte in enumerate(others)}


BYTE_OF = _bytes_of_characters()
"""GPT-2's alphabet: a byte for each character."""


class Spelling(Enum):
    """How the tokens of a vocabulary are to be read."""

    PLAIN = "as text"
    BYTE_LEVEL = "each character is a byte"
    PIECES = "with a mark for a space, and bytes such as <0x0A>"

    @classmethod
    def of(cls, tokens: Sequence[str]) -> "Spelling":
        """Tell from the tokens themselves: vocabularies come without a word on it, such as in a published run.

        A letter Ġ (Maltese), or a character ▁ by itself, is in many vocabularies that are large. So what begins more
        tokens decides; and a byte-level vocabulary has all bytes, or more than a few tokens that begin with a space.

        Examples
        --------
        >>> Spelling.of(["Ġking", "a"]).name, Spelling.of(["▁king", "Ġ"]).name, Spelling.of(["king", "a b"]).name
        ('BYTE_LEVEL', 'PIECES', 'PLAIN')
        """
        spaces = sum(token.startswith(BYTE_LEVEL_SPACE) for token in tokens)
        marks = sum(token.startswith(METASPACE) and token != METASPACE for token in tokens)
        if spaces > marks and (spaces * _FEW >= len(tokens) or BYTE_OF.keys() <= set(tokens)):
            return cls.BYTE_LEVEL
        return cls.PIECES if marks else cls.PLAIN

    def meaning(self, token: str) -> bytes:
        """Give the bytes that a token stands for.

        Examples
        --------
        >>> Spelling.BYTE_LEVEL.meaning("ĠÃ©").decode(), Spelling.PIECES.meaning("▁é").decode()
        (' é', ' é')
        """
        if self is Spelling.BYTE_LEVEL:
            found = byte_level(token)
            return token_bytes(token) if found is None else found
        if self is Spelling.PIECES:
            return bytes_named(token) or token_bytes(token.replace(METASPACE, " "))
        return token_bytes(token)


def byte_level(token: str) -> bytes | None:
    """Read each character of GPT-2's alphabet as a byte; None where one is not of it, as in some added tokens."""
    try:
        return bytes(map(BYTE_OF.__getitem__, token))
    except KeyError:
        return None


def bytes_named(token: str) -> bytes | None:
    r"""Read bytes that are written as SentencePiece does; None where it is something else.

    Examples
    --------
    >>> bytes_named("<0x0A>"), bytes_named("<0xc3><0xA9>"), bytes_named("<0x0A>a")
    (b'\n', b'\xc3\xa9', None)
    """
    found = bytes(int(number, 16) for number in _ONE_BYTE.findall(token))
    return found if found and len(token) == 6 * len(found) else None


def token_bytes(text: str) -> bytes:
    """Encode a text as UTF-8, with whatever a vocabulary may hold."""
    return text.encode("utf-8", "surrogatepass")
