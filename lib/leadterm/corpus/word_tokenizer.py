"""The paper's word rule as a tokenizer with a fixed vocabulary."""

from collections.abc import Sequence
from itertools import chain
from typing import get_args

import numpy as np

from leadterm.config import UnknownPolicy
from leadterm.corpus.ragged import Ragged
from leadterm.corpus.tokenizer_protocol import Encoded
from leadterm.corpus.word_rule import split_chunk, split_words
from leadterm.errors import InputError

UNK = "<unk>"
"""The token that stands for every other word; the word rule itself never makes it."""

# The same few pieces ("the", "and,") make most of a text. 200,000 of them, none longer than 40 characters, take
# about 50 MB; a piece that comes after them is split again each time.
_CACHE_ENTRIES = 200_000
_CACHE_CHARACTERS = 40


class WordTokenizer:
    """Ids of the words and signs that `split_words` finds.

    Parameters
    ----------
    vocabulary
        Tokens by id, all different, each one that `split_words` can make.
    unknown
        What becomes of a text with other tokens: ``"drop"`` marks it as not kept, ``"replace"`` puts `UNK`, whose
        id is the last one, for each of them.

    Raises
    ------
    InputError
        The vocabulary is empty, a token stands twice or cannot be made by the word rule.

    Examples
    --------
    >>> encoded = WordTokenizer(["a", "dog", "."]).encode(["A dog.", "A cat."])
    >>> [ids.tolist() for ids in encoded.tokens], encoded.kept.tolist()
    ([[0, 1, 2], []], [True, False])
    >>> [ids.tolist() for ids in WordTokenizer(["a", "dog", "."], "replace").encode(["A cat."]).tokens]
    [[0, 3, 2]]
    """

    def __init__(self, vocabulary: Sequence[str], unknown: UnknownPolicy = "drop") -> None:
        words = tuple(vocabulary)
        _check(words, unknown)
        self.unknown: UnknownPolicy = unknown
        self.tokens: tuple[str, ...] = (*words, UNK) if unknown == "replace" else words
        self._ids_of = _ChunkIds(words)

    def __reduce__(self) -> tuple[type["WordTokenizer"], tuple[tuple[str, ...], UnknownPolicy]]:
        return WordTokenizer, (self.words, self.unknown)

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens that a text can hold: all but `UNK`."""
        return self.tokens[:-1] if self.unknown == "replace" else self.tokens

    @property
    def vocabulary_size(self) -> int:
        """V: the words, and one more where unknown ones are replaced."""
        return len(self.tokens)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode texts; see `Tokenizer`. An unknown token has the id after the last word's."""
        flat: list[int] = []
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        kept = np.ones(len(texts), dtype=np.bool_)
        unknown, drop = self._ids_of.unknown, self.unknown == "drop"
        for index, text in enumerate(texts):
            ids = list(chain.from_iterable(map(self._ids_of.__getitem__, text.lower().split())))
            if drop and unknown in ids:
                kept[index] = False
            else:
                flat += ids
            offsets[index + 1] = len(flat)
        return Encoded(Ragged(np.array(flat, dtype=np.int32), offsets), kept)


class _ChunkIds(dict[str, tuple[int, ...]]):
    """The ids of a piece of text without white space, remembered for the pieces met first."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self._ids = {word: index for index, word in enumerate(words)}
        self.unknown = len(words)

    def __missing__(self, chunk: str) -> tuple[int, ...]:
        ids = tuple(self._ids.get(token, self.unknown) for token in split_chunk(chunk))
        if len(self) < _CACHE_ENTRIES and len(chunk) <= _CACHE_CHARACTERS:
            self[chunk] = ids
        return ids


def _check(words: Sequence[str], unknown: str) -> None:
    if unknown not in get_args(UnknownPolicy):
        raise InputError(
            f"Unknown words must be handled by one of {', '.join(get_args(UnknownPolicy))}; found {unknown!r}. "
            "Set tokenizer.unknown to one of these."
        )
    if not words:
        raise InputError("A vocabulary must contain at least one word; found none. Check that the corpus has text.")
    if len(set(words)) != len(words):
        twice = next(word for index, word in enumerate(words) if word in words[:index])
        raise InputError(f"A vocabulary must contain each word once; found {twice!r} twice. Remove one of the two.")
    for word in words:
        if split_words(word) != [word]:
            raise InputError(
                f"A vocabulary must contain only tokens of the word rule (lower-case letters, or one other character); "
                f"found {word!r}, which the rule splits into {split_words(word)}. Build it with count_words."
            )
