"""A tokenizer whose ids a fast engine gives, and the library checks: one text in 64 is encoded by both."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadterm.corpus.engines.fast_engine import NAME, FastEngine, installed_version
from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer, batches
from leadterm.corpus.ragged import Ragged
from leadterm.corpus.tokenizer_protocol import Checked, Encoded
from leadterm.errors import LeadtermError, MachineError

SAMPLE = 64
"""One text in so many is encoded by the library too."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: multiplying by it spreads sums over the high bits."""
SHOWN = 24
"""Ids on each side of the first that differs, and characters of a text's neighbourhood for each."""


class CheckedTokenizer:
    """The ids of the tokenizers library, by an engine that was proven for this tokenizer.

    A sample of the texts, chosen by their ids and so the same wherever a text is encoded, is encoded by the library
    as well, and so is each text that the engine refuses.

    Parameters
    ----------
    json
        The text of the ``tokenizer.json``.
    add_special_tokens
        Add the special tokens that the tokenizer puts around a text.
    engine_version
        The version of the engine that was proven; None: the one that is installed.

    Raises
    ------
    MachineError
        This machine has no such engine, or another version of it.
    InputError
        The engine does not read this tokenizer.

    Attributes
    ----------
    engine
        What encodes.
    """

    def __init__(self, json: str, add_special_tokens: bool = False, engine_version: str | None = None) -> None:
        found = installed_version()
        self.engine_version = engine_version or found
        if found is None or found != self.engine_version:
            raise MachineError(
                f"the tokenizer's ids were to come from {NAME} {self.engine_version or ''}, which the driver has; this "
                f"machine has {f'version {found}' if found else 'none'}. Install the same version on all machines, or "
                "set tokenizer.engine to huggingface."
            )
        self._json = json
        self.add_special_tokens = add_special_tokens
        self.engine = FastEngine(json, add_special_tokens)

    def __reduce__(self) -> tuple[Any, tuple[str, bool, str | None]]:
        return _made_once, (self._json, self.add_special_tokens, self.engine_version)

    @cached_property
    def library(self) -> HuggingFaceTokenizer:
        """The same tokenizer by the library."""
        return HuggingFaceTokenizer(self._json, self.add_special_tokens)

    @property
    def vocabulary_size(self) -> int:
        """V: the largest id + 1, added and special tokens included."""
        return self.library.vocabulary_size

    @property
    def tokens(self) -> tuple[str, ...]:
        """The V token strings, by id."""
        return self.library.tokens

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode texts; see `Tokenizer`. All are kept.

        Raises
        ------
        LeadtermError
            The engine and the library differ on a text of the sample: shows the text and both lists of ids.
        """
        parts = [self._encode_batch(batch) for batch in batches(texts)]
        checked = Checked(*(sum(each) for each in zip(*(part.checked for part in parts), strict=True)))
        return Encoded(Ragged.joined([part.tokens for part in parts]), np.ones(len(texts), dtype=np.bool_), checked)

    def _encode_batch(self, texts: Sequence[str]) -> Encoded:
        """Encode some texts, and compare those of the sample."""
        tokens, refused = self.engine.encode(texts)
        sample = np.flatnonzero(in_sample(tokens) & ~refused)
        expected = self.library.encode([texts[index] for index in sample.tolist()]).tokens
        for index, ids in zip(sample.tolist(), expected, strict=True):
            if not np.array_equal(tokens[index], ids):
                raise LeadtermError(
                    f"{difference(texts[index], tokens[index], ids)}. Nothing of it was kept. Set tokenizer.engine to "
                    "huggingface, which goes on with what is finished, and please report the text."
                )
        checked = Checked(sample.size, expected.values.size, int(refused.sum()))
        if refused.any():
            rows = list(tokens)
            where = np.flatnonzero(refused).tolist()
            for index, ids in zip(where, self.library.encode([texts[index] for index in where]).tokens, strict=True):
                rows[index] = ids
            tokens = Ragged.from_lists(rows)
        return Encoded(tokens, np.ones(len(texts), dtype=np.bool_), checked)


@lru_cache(maxsize=1)
def _made_once(json: str, add_special_tokens: bool, engine_version: str | None) -> CheckedTokenizer:
    """Make a tokenizer, or take the one that this process made for its last task; nothing changes one."""
    return CheckedTokenizer(json, add_special_tokens, engine_version)


def in_sample(tokens: Ragged) -> NDArray[np.bool_]:
    """Choose about one list of ids in :data:`SAMPLE` by its content.

    Returns
    -------
    ndarray
        bool, shape (lists,).
    """
    totals = np.zeros(tokens.values.size + 1, dtype=np.int64)
    np.cumsum(tokens.values, dtype=np.int64, out=totals[1:])
    sums = np.diff(totals[tokens.offsets]).astype(np.uint64) + tokens.lengths.astype(np.uint64) + np.uint64(1)
    chosen: NDArray[np.bool_] = (sums * _MIX) >> np.uint64(32) & np.uint64(SAMPLE - 1) == 0
    return chosen


def difference(text: str, found: NDArray[np.int32], expected: NDArray[np.int32]) -> str:
    """Say how the ids of the engine differ from the library's."""
    n_equal = min(found.size, expected.size)
    same = found[:n_equal] == expected[:n_equal]
    first = n_equal if same.all() else int(np.argmin(same))
    near = slice(max(first - SHOWN, 0), first + SHOWN)
    return (
        f"the tokenizer engine {NAME} {installed_version()} gives other ids than the tokenizers library, from token "
        f"{first:,} of {expected.size:,}: {found[near].tolist()} instead of {expected[near].tolist()}, in the text "
        f"{_excerpt(text, first, expected.size)}"
    )


def _excerpt(text: str, token: int, n_tokens: int) -> str:
    """Show a text, of a long one the neighbourhood of where a token of so many may be."""
    width = 16 * SHOWN
    if len(text) <= 2 * width:
        return repr(text)
    start = min(max(len(text) * token // max(n_tokens, 1) - width, 0), len(text) - 2 * width)
    return f"of {len(text):,} characters, near character {start + width:,}: {text[start : start + 2 * width]!r}"
