"""Tokens as a vocabulary spells them, as people read them, and as people type them.

One rule says how a token is shown, and one finds a token by what was typed. What is shown can always be typed.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property

from leadterm.corpus.token_spelling import Spelling, byte_level, bytes_named, token_bytes
from leadterm.errors import InputError
from leadterm.packages import is_installed

SPACE, NEWLINE, TAB = "␣", "⏎", "⇥"
"""Marks for a space, a line feed and a tabulator."""
_MARKED = str.maketrans({" ": SPACE, "\n": NEWLINE, "\t": TAB})
_UNMARKED = str.maketrans({SPACE: " ", NEWLINE: "\n", TAB: "\t"})
_UNSPELLED = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n", "ĉ": "\t"})
"""How vocabularies spell the same: for a token that is typed half as one spells it, half as text."""
_ESCAPE = re.compile(r"\\(?:([ntr\\])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
LONGEST = 200
"""Characters of a token in a message."""
LISTED = 5
"""Tokens that are suggested at most, or named as those that may be meant."""


def readable(tokens: Sequence[str]) -> list[str]:
    """Write a vocabulary's tokens so that they can be read and told apart.

    A byte-level token, or one of SentencePiece, is written as the text that it stands for; see `Spelling.of`. Spaces
    get marks, and what no screen shows is escaped. A token whose bytes are no whole UTF-8 text stays as it is spelled,
    and so does one that would read like another, or as another is spelled.

    Examples
    --------
    >>> readable(["Ġking", "king", "Ċ", "Ã©", "Ã", "a"])
    ['␣king', 'king', '⏎', 'é', 'Ã', 'a']
    >>> readable(["▁king", "the"]), readable(["Ã©", "a b"])
    (['␣king', 'the'], ['Ã©', 'a␣b'])
    """
    spelling, spelled = Spelling.of(tokens), set(tokens)
    written = [marked(_text(token, spelling)) for token in tokens]
    seen = Counter(written)
    return [
        text if seen[text] == 1 and (text == token or text not in spelled) else token
        for text, token in zip(written, tokens, strict=True)
    ]


def marked(text: str) -> str:
    r"""Write spaces and what a screen does not show as marks or escapes.

    Examples
    --------
    >>> marked("a b\u200b")
    'a␣b\\u200b'
    """
    text = text.translate(_MARKED)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def unmarked(shown: str) -> str:
    """Read marks as what they stand for: all of `marked` but the escapes."""
    return shown.translate(_UNMARKED)


class TokenNames:
    """The tokens of a vocabulary, to be found by what people type.

    Parameters
    ----------
    tokens
        By id, all different.
    word_rule
        Whether the word rule made them, for what is said of a token that is not there.
    """

    def __init__(self, tokens: Sequence[str], *, word_rule: bool = False) -> None:
        self.tokens, self.word_rule = tokens, word_rule

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def shown(self) -> list[str]:
        """The tokens by id, as people read them; see `readable`."""
        return readable(self.tokens)

    def find(self, typed: str) -> int:
        r"""Find the id of a token by what was typed.

        In this order: what the vocabulary spells so; what is shown so; the one token that stands for the text, with
        ``␣``, ``Ġ`` or ``▁`` for a space, ``⏎`` and ``⇥`` for a line feed and a tabulator, ``<0x0A>`` for a byte, or
        GPT-2's characters for bytes throughout; the same with escapes (``\n``, ``\t``, ``\u00e9``); the one that has a
        space before it, or is a byte to fall back on. Capitals count.

        Raises
        ------
        InputError
            There is no such token; names some that are alike. Or it may be one or another; names them.

        Examples
        --------
        >>> names = TokenNames(["Ġbread", "bread", "Ġking", "Ċ", "ĠcafÃ©"])
        >>> [names.find(typed) for typed in ("bread", " bread", "␣bread", "Ġbread", "▁bread", "king", "\\n", " café")]
        [1, 0, 0, 0, 0, 2, 3, 4]
        """
        if typed in self._by_spelling:
            return self._by_spelling[typed]
        if typed in self._by_shown:
            return self._by_shown[typed]
        readings, escaped = _readings(typed), _readings(typed, escapes=True)
        found = self._standing_for(readings, self._by_text) or self._standing_for(escaped, self._by_text)
        if not found:
            spaced = self._standing_for({b" " + one for one in escaped if one[:1].strip()}, self._by_text)
            found = sorted({*spaced, *self._standing_for(escaped, self._by_byte)})
        if len(found) == 1:
            return found[0]
        raise InputError(self._ambiguous(typed, found) if found else self._unknown(typed))

    def text(self, ids: Sequence[int]) -> str:
        """Write tokens that follow each other as the text that they stand for, as nearly as the vocabulary tells.

        Tokens that are spelled as text, such as whole words, get a space between them.

        Examples
        --------
        >>> TokenNames(["Ġking", "s", "the"]).text([2, 0, 1]), TokenNames(["king", "the"]).text([1, 0])
        ('the kings', 'the king')
        """
        tokens = [self.tokens[index] for index in ids]
        if self._spelling is Spelling.PLAIN:
            return " ".join(tokens)
        return b"".join(map(self._spelling.meaning, tokens)).decode(errors="replace")

    def aside(self, typed: str) -> str | None:
        """Say so where what was typed is the spelling of one token, and may be read as another; else None.

        Examples
        --------
        >>> TokenNames(["Ġ", "é", "Ã©"]).aside("é")
        "'é' is the vocabulary's spelling of <0xE9>; as text it is its token 'Ã©'"
        """
        spelled = self._by_spelling.get(typed)
        others = [index for index in self._standing_for(_readings(typed), self._by_text) if index != spelled]
        if spelled is None or not others or self._spelling is not Spelling.BYTE_LEVEL:
            return None
        what = _described(self._spelling.meaning(typed))
        return f"{typed!r} is the vocabulary's spelling of {what}; as text it is its token {self.tokens[others[0]]!r}"

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling.of(self.tokens)

    @cached_property
    def _by_spelling(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens)}

    @cached_property
    def _by_shown(self) -> dict[str, int]:
        return {text: index for index, text in enumerate(self.shown)}

    @cached_property
    def _by_text(self) -> dict[bytes, list[int]]:
        """Map what tokens stand for to ids, but for tokens of single bytes that SentencePiece falls back on."""
        found: dict[bytes, list[int]] = {}
        for index, token in enumerate(self.tokens):
            if not self._is_fallback(token):
                found.setdefault(self._spelling.meaning(token), []).append(index)
        return found

    @cached_property
    def _by_byte(self) -> dict[bytes, list[int]]:
        """Map bytes to the tokens that SentencePiece falls back on."""
        fallbacks = ((index, token) for index, token in enumerate(self.tokens) if self._is_fallback(token))
        return {self._spelling.meaning(token): [index] for index, token in fallbacks}

    def _is_fallback(self, token: str) -> bool:
        return self._spelling is Spelling.PIECES and bytes_named(token) is not None

    def _standing_for(self, readings: set[bytes], ids: dict[bytes, list[int]]) -> list[int]:
        return sorted(index for one in readings for index in ids.get(one, ()))

    def _ambiguous(self, typed: str, found: Sequence[int]) -> str:
        """Say that several tokens may be meant."""
        listed = ", ".join(f"{_cut(self.tokens[index])!r} (id {index})" for index in found[:LISTED])
        return f"{typed!r} may be {len(found)} tokens of the vocabulary: {listed}. Spell it as one of them stands here"

    def _unknown(self, typed: str) -> str:
        """Say that no token can be meant, and which are alike."""
        text = unmarked(typed)
        pieces = _words_of(text) if self.word_rule and is_installed("regex") else [typed]
        alike = list(dict.fromkeys([*(piece for piece in pieces if piece in self._by_spelling), *self._alike(typed)]))
        hint = f"; did you mean {', '.join(map(repr, alike[:LISTED]))}?" if alike else ""
        if pieces != [typed]:
            hint += f"{'' if alike else '.'} The word rule makes {' '.join(map(repr, pieces)) or 'nothing'} of it"
        return f"{typed!r} is not in the vocabulary of {len(self):,} tokens{hint}"

    def _alike(self, typed: str) -> list[str]:
        """Find tokens that differ in capitals or a space before them, then others that are nearly the same."""
        wanted, letters = marked(unmarked(typed).translate(_UNSPELLED)), _letters(typed)
        same = [text for text in self.shown if _letters(text) == letters]
        return [_cut(text) for text in (*same[:LISTED], *get_close_matches(wanted, self.shown, n=LISTED))]


def _words_of(text: str) -> list[str]:
    """Split a text by the word rule."""
    from leadterm.corpus.word_rule import split_words  # noqa: PLC0415  # takes a package that readers need not have

    return split_words(text)


def texts_meant(typed: str, *, escapes: bool = False) -> set[str]:
    """List the texts that may be meant by what was typed; see `TokenNames.find`."""
    read = {typed, unmarked(typed), unmarked(typed).translate(_UNSPELLED)}
    return {_ESCAPE.sub(_unescaped, one) for one in read} if escapes else read


def _readings(typed: str, *, escapes: bool = False) -> set[bytes]:
    """List the bytes that may be meant by what was typed."""
    as_bytes = (byte_level(typed), bytes_named(typed))
    found = {token_bytes(text) for text in texts_meant(typed, escapes=escapes)}
    return found | {one for one in as_bytes if one is not None}


def _unescaped(escape: re.Match[str]) -> str:
    """Give the character that an escape stands for."""
    letter, *numbers = escape.groups()
    return _ESCAPED[letter] if letter else chr(int(next(filter(None, numbers)), 16))


def _text(token: str, spelling: Spelling) -> str:
    """Give the text of a token, or its spelling where its bytes are no text."""
    if spelling is Spelling.PIECES and bytes_named(token):
        return token
    text = _decoded(spelling.meaning(token))
    return token if text is None else text


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _described(meaning: bytes) -> str:
    """Write a text, or the bytes that are none."""
    text = _decoded(meaning)
    return "".join(f"<0x{byte:02X}>" for byte in meaning) if text is None else repr(text)


def _letters(text: str) -> str:
    """Leave a space at the beginning, and capitals, out."""
    return unmarked(text).translate(_UNSPELLED).lstrip(" ").casefold()


def _cut(text: str) -> str:
    """Cut a token that nobody could read."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
