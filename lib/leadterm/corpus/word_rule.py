"""The paper's word rule: lower case; a run of letters is a word; every other visible character stands alone."""

from collections import Counter
from collections.abc import Iterable, Mapping

import regex

# `regex` knows the letters by its own Unicode tables, so every Python version splits alike; the standard
# library's `re` has no class of letters. Both alternatives see a chunk without white space.
_TOKEN = regex.compile(r"\p{L}+|[^\p{L}]", regex.DOTALL)


LONGEST_WORD = 1000
"""Letters. A longer run of them (a genome, a file that is no text) is no word that a vocabulary can hold: it is
unknown, however often it occurs, so that a vocabulary takes a known amount of memory."""


def split_words(text: str) -> list[str]:
    r"""Split a text into lower-case words and single other characters.

    The text is lower-cased whole (``str.lower``) and split at white space, which is what ``str.isspace`` says
    it is. Within the pieces every longest run of letters (Unicode category L) is one token, and every other
    character (digit, mark, sign) is a token of its own.

    Examples
    --------
    >>> split_words("Don't pay $12,\tAnna!")
    ['don', "'", 't', 'pay', '$', '1', '2', ',', 'anna', '!']
    """
    return [token for chunk in text.lower().split() for token in split_chunk(chunk)]


def split_chunk(chunk: str) -> list[str]:
    """Split a lower-case piece of text that holds no white space; see `split_words`.

    Examples
    --------
    >>> split_chunk("don't")
    ['don', "'", 't']
    """
    found: list[str] = _TOKEN.findall(chunk)
    return found


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each token of `split_words` occurs in all the texts together, but for those beyond `LONGEST_WORD`.

    Examples
    --------
    >>> count_words(["a dog, a cat", "A dog"])
    Counter({'a': 3, 'dog': 2, ',': 1, 'cat': 1})
    """
    chunks: Counter[str] = Counter()
    for text in texts:
        chunks.update(text.lower().split())
    words: Counter[str] = Counter()
    for chunk, count in chunks.items():
        for token in split_chunk(chunk):
            if len(token) <= LONGEST_WORD:
                words[token] += count
    return words


def most_frequent(counts: Mapping[str, int], size: int) -> list[str]:
    """The `size` most frequent tokens, or all if there are fewer; equal counts in the order of the strings.

    Examples
    --------
    >>> most_frequent({"b": 2, "a": 2, "c": 5}, 2)
    ['c', 'a']
    """
    return sorted(counts, key=lambda token: (-counts[token], token))[:size]
