"""Byte pair encoding by its definition: count all pairs, merge the most frequent one everywhere, begin again."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import regex

GPT2 = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+"
    r"|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+"
)
"""How GPT-2 splits a text, as its ``encoder.py`` has it."""


def byte_characters() -> list[str]:
    """The character that stands for each byte: its own in Latin-1 if that is visible, else the next above 255."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(256, 512))
    return [chr(byte if byte in visible else next(hidden)) for byte in range(256)]


def naive_pieces(texts: list[str]) -> Counter[str]:
    """How often each piece occurs in the texts."""
    characters = byte_characters()
    pieces = Counter(piece for text in texts for piece in GPT2.findall(text))
    return Counter({"".join(characters[byte] for byte in piece.encode()): n for piece, n in pieces.items()})


def naive_merges(pieces: Mapping[str, int], n_merges: int) -> list[tuple[str, str]]:
    """The first merges; of equally frequent pairs, the one whose first, then second token is older."""
    ages = {token: age for age, token in enumerate(sorted(byte_characters()))}
    words = [(tuple(piece), n) for piece, n in pieces.items()]
    merges: list[tuple[str, str]] = []
    while len(merges) < n_merges:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, n in words:
            for pair in pairwise(word):
                pairs[pair] += n
        if not pairs:
            break
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], ages[pair[0]], ages[pair[1]])))
        ages.setdefault("".join(merges[-1]), len(ages))
        words = [(merged(word, merges[-1]), n) for word, n in words]
    return merges


def merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """A word with a pair put together wherever it stands, from the left."""
    found: list[str] = []
    place = 0
    while place < len(word):
        width = 2 if word[place : place + 2] == pair else 1
        found.append("".join(word[place : place + width]))
        place += width
    return tuple(found)
