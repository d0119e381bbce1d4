"""Byte-level byte pair encoding, trained on counted pieces of text."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import regex
from tokenizers import Tokenizer as RustTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer, threads
from leadterm.errors import InputError

LONGEST_PIECE = 256
"""Bytes of a piece; a longer one (a run of signs, a script without spaces) is counted in parts, because the library's
time for a piece grows with the square of its length."""
LARGEST_TEXT = 2**31 - 1
"""Bytes of text: the library counts pairs in int32."""
REPEATED = 4096
"""Times that a piece is handed over at once."""

_SPLIT = pre_tokenizers.ByteLevel(add_prefix_space=False)
# The splitting rule never joins what stands in different chunks. Most chunks are words that come again and again, and
# need to be split only once. White space is for `regex` what it is for Rust; the standard library's `re` has more.
_CHUNK = regex.compile(r" ?\S+|\s+(?!\S)|\s+")


def count_pieces(texts: Iterable[str]) -> Counter[str]:
    """How often each piece within which bytes may be merged occurs in all the texts together.

    Texts are split by GPT-2's rule, and a byte is written as one visible character, as byte-level tokenizers do: a
    space as ``Ġ``. Pieces of more than `LONGEST_PIECE` bytes are cut.

    Examples
    --------
    >>> count_pieces(["a dog, a dog"])
    Counter({'Ġdog': 2, 'a': 1, ',': 1, 'Ġa': 1})
    """
    chunks: Counter[str] = Counter()
    for text in texts:
        chunks.update(_CHUNK.findall(text))
    pieces: Counter[str] = Counter()
    for chunk, count in chunks.items():
        for piece, _ in _SPLIT.pre_tokenize_str(chunk):
            for start in range(0, len(piece), LONGEST_PIECE):
                pieces[piece[start : start + LONGEST_PIECE]] += count
    return pieces


def train_bpe(
    pieces: Mapping[str, int], vocabulary_size: int, progress: Callable[[int], object] = lambda _: None
) -> HuggingFaceTokenizer:
    """Train a tokenizer: start from the 256 bytes, and merge the most frequent pair of neighbours again and again.

    Equally frequent pairs are merged in the order of their ids, so the result depends on the counts alone. Every text
    can be encoded, and comes back whole: there is no unknown and no special token, and no space is added.

    Parameters
    ----------
    pieces
        How often each piece occurs, as `count_pieces` gives them.
    vocabulary_size
        V, at least 256. It is smaller in the end if no pair is left to merge.
    progress
        Told, now and then, how many occurrences of pieces the library has taken.

    Raises
    ------
    InputError
        There is more text than the library can count.

    Examples
    --------
    >>> train_bpe({"low": 5, "lower": 2}, 258).tokens[256:]
    ('lo', 'low')
    """
    n_bytes = sum(len(piece) * count for piece, count in pieces.items())
    if n_bytes > LARGEST_TEXT:
        raise InputError(
            f"A tokenizer can be trained on at most {LARGEST_TEXT:,} bytes of text; found {n_bytes:,}. "
            "Lower tokenizer.training_documents."
        )
    tokenizer = RustTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    with threads(parallel=False):  # More of them are no faster.
        tokenizer.train_from_iterator(_repeated(pieces, progress), trainer)
    tokenizer.pre_tokenizer = _SPLIT
    tokenizer.decoder = decoders.ByteLevel()
    return HuggingFaceTokenizer(tokenizer.to_str())


def _repeated(pieces: Mapping[str, int], progress: Callable[[int], object]) -> Iterator[str]:
    """Repeat every piece as often as it occurs, because the library takes no counts; no piece holds a space."""
    taken = 0
    for piece, count in pieces.items():
        for done in range(0, count, REPEATED):
            times = min(REPEATED, count - done)
            yield " ".join([piece] * times)
            taken += times
            progress(taken)
