"""The word rule, and ids as text, as a ``tokenizer.json``: for models that are trained on a run of such a tokenizer."""

from collections.abc import Sequence

from tokenizers import Regex, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as RustTokenizer

from leadterm.corpus.word_tokenizer import UNK

_SPACE = r"\t-\r\x1c-\x20\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space as ``str.isspace`` has it, which the word rule asks; \\s has no U+001C to U+001F."""
_CASED = r"[\p{Cased}&&\P{Case_Ignorable}]"
_FINAL_SIGMA = rf"{_CASED}\p{{Case_Ignorable}}*\K\u03a3(?!\p{{Case_Ignorable}}*{_CASED})"
"""A capital sigma at the end of a word, which ``str.lower`` makes a final one (Unicode, table 3-17). Rust
lowers it letter by letter, with one small sigma for all. What stands before \\K is looked for, and not replaced."""


def word_file(tokens: Sequence[str]) -> str:
    """Write the word rule with a vocabulary as the text of a ``tokenizer.json``.

    It encodes a text as `WordTokenizer` does, as far as the Unicode tables of Python, `regex` and the Rust library
    agree, and refuses a text with other words where `WordTokenizer` drops it.

    Parameters
    ----------
    tokens
        By id; with `UNK`, which no text can spell, for all other words, or without.

    Examples
    --------
    >>> RustTokenizer.from_str(word_file(["a", "dog", ".", UNK])).encode("A  cat.").ids
    [0, 3, 2]
    """
    tokenizer = _by_name(tokens)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(_FINAL_SIGMA), "ς"), normalizers.Lowercase()]
    )
    piece = Regex(rf"\p{{L}}+|[^\p{{L}}{_SPACE}]")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(piece, "removed", invert=True)
    return tokenizer.to_str()


def ids_file(vocabulary_size: int) -> str:
    """Write the text of a ``tokenizer.json`` for a corpus that held ids: a token is its number, between spaces.

    Examples
    --------
    >>> RustTokenizer.from_str(ids_file(20)).encode("7 12 0").ids
    [7, 12, 0]
    """
    tokenizer = _by_name([str(index) for index in range(vocabulary_size)])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer.to_str()


def _by_name(tokens: Sequence[str]) -> RustTokenizer:
    """Make a tokenizer that looks whole pieces up, and refuses others if `UNK` is not among its tokens."""
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return RustTokenizer(models.WordLevel(vocabulary, unk_token=UNK))
