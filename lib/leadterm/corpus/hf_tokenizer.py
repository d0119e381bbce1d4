"""A tokenizer of the Hugging Face library that never pads, never truncates and keeps to one thread."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from tokenizers import Tokenizer as RustTokenizer

from leadterm.corpus.ragged import Ragged
from leadterm.corpus.token_ids import oddities, shared_ids, tokens_by_id, with_its_model
from leadterm.corpus.tokenizer_protocol import Encoded
from leadterm.errors import InputError

# An encoding takes about 130 bytes per token besides its ids: 1,048,576 characters are some 250,000 tokens of
# English, or 35 MB; a longer single document is encoded by itself.
BATCH_CHARACTERS = 2**20
_PARALLELISM = "TOKENIZERS_PARALLELISM"


class HuggingFaceTokenizer:
    """Ids as a model's own tokenizer gives them; special tokens that a text spells out are recognised.

    Parameters
    ----------
    json
        The text of a ``tokenizer.json``. Its padding and truncation are switched off: a padded id is not data.
    add_special_tokens
        Add the special tokens that the tokenizer puts around a text.
    parallel
        Let the library use threads inside one call. Spark runs one process per core, so the default is not to.

    Raises
    ------
    InputError
        The text is not that of a tokenizer, or its vocabulary is empty.

    Attributes
    ----------
    tokens
        By id; of several tokens that share an id, the first of the file.
    notes
        What is odd about the file that it was loaded from.
    """

    def __init__(self, json: str, add_special_tokens: bool = False, parallel: bool = False) -> None:
        try:
            self._tokenizer = RustTokenizer.from_str(json)
        except Exception as error:  # the Rust library raises bare Exception
            raise InputError(
                f"A tokenizer must be the text of a tokenizer.json; found text of {len(json)} characters that the "
                f"tokenizers library cannot read ({error}). Save it with tokenizer.save_pretrained or tokenizer.save."
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.add_special_tokens = add_special_tokens
        self.parallel = parallel
        self.notes: tuple[str, ...] = ()
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        shared = shared_ids(vocabulary, json)
        self._whole = json if shared else None
        self.tokens: tuple[str, ...] = tokens_by_id(vocabulary, shared)

    def __reduce__(self) -> tuple[Any, tuple[str, bool, bool]]:
        return _made_once, (self.to_json(), self.add_special_tokens, self.parallel)

    @property
    def vocabulary_size(self) -> int:
        """V: the largest id + 1, added and special tokens included."""
        return len(self.tokens)

    def to_json(self) -> str:
        """The text of a ``tokenizer.json`` that makes this tokenizer again."""
        saved = self._tokenizer.to_str()
        return with_its_model(saved, self._whole) if self._whole else saved

    def oddities(self, json: str) -> list[str]:
        """Say where the text that this was made of does not give each id one token, and each token one id."""
        return oddities(self._tokenizer.get_vocab(with_added_tokens=True), json)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, special tokens included; where several tokens share an id, that of any of them."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode texts; see `Tokenizer`. All are kept. Memory is bounded by `BATCH_CHARACTERS` and the longest text."""
        ids: list[NDArray[np.int32]] = []
        # Not in the main thread: its small pieces of memory are handed out by another part of the C library's
        # allocator, with which the same work on one core takes 30 % longer (0.33 instead of 0.44 M tokens/s).
        with threads(self.parallel), ThreadPoolExecutor(1) as beside:
            for batch in batches(texts):
                encodings = beside.submit(self._encode_batch, list(batch)).result()
                ids.extend(np.array(encoding.ids, dtype=np.int32) for encoding in encodings)
        return Encoded(Ragged.from_lists(ids), np.ones(len(texts), dtype=np.bool_))

    def _encode_batch(self, texts: list[str]) -> list[Encoding]:
        """Call the library."""
        encodings: list[Encoding] = self._tokenizer.encode_batch_fast(texts, add_special_tokens=self.add_special_tokens)
        return encodings


@lru_cache(maxsize=1)
def _made_once(json: str, add_special_tokens: bool, parallel: bool) -> HuggingFaceTokenizer:
    """Make a tokenizer, or take the one that this process made for its last task; nothing changes one."""
    return HuggingFaceTokenizer(json, add_special_tokens, parallel)


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Divide texts into batches of at most `BATCH_CHARACTERS`, or of one text."""
    start, characters = 0, 0
    for index, text in enumerate(texts):
        if index > start and characters + len(text) > BATCH_CHARACTERS:
            yield texts[start:index]
            start, characters = index, 0
        characters += len(text)
    if start < len(texts):
        yield texts[start:]


@contextmanager
def threads(parallel: bool) -> Iterator[None]:
    """Say to the Rust library, which asks the environment at every call, whether to use threads."""
    before = os.environ.get(_PARALLELISM)
    os.environ[_PARALLELISM] = "true" if parallel else "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PARALLELISM]
        else:
            os.environ[_PARALLELISM] = before
