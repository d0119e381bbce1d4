"""What every tokenizer offers to the encoding job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from leadterm.corpus.ragged import Ragged
from leadterm.errors import InputError


class Checked(NamedTuple):
    """How far the ids of a fast engine were compared with the library's.

    Attributes
    ----------
    texts, tokens
        That both encoded, to equal ids.
    refused
        Texts that the engine refused, and the library encoded.
    """

    texts: int = 0
    tokens: int = 0
    refused: int = 0


NOT_CHECKED = Checked()


@dataclass(frozen=True, eq=False)
class Encoded:
    """The token ids of some texts, one list per text, in their order.

    Parameters
    ----------
    tokens
        One list of ids per text; empty where the text is not kept.
    kept
        bool, shape (texts,): False where the text holds a token out of the vocabulary and is to be dropped.
    checked
        How far they were compared, where another engine than the tokenizer's own library gave them.
    """

    tokens: Ragged
    kept: NDArray[np.bool_]
    checked: Checked = NOT_CHECKED


class Tokenizer(Protocol):
    """Text to token ids 0 to V-1. A tokenizer can be pickled, to travel to executors."""

    @property
    def vocabulary_size(self) -> int:
        """V, the number of ids: the largest id + 1."""

    @property
    def tokens(self) -> Sequence[str]:
        """The V token strings, by id, all different."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode texts in order, a list of ids for each; nothing is padded or cut."""


def check_ids(documents: Ragged, vocabulary_size: int) -> None:
    """Check that the ids of documents that came as ids are 0 to V-1.

    Raises
    ------
    InputError
        An id is negative or at least `vocabulary_size`.

    Examples
    --------
    >>> check_ids(Ragged.from_lists([[0, 4], [2]]), vocabulary_size=5)
    """
    ids = documents.values
    if ids.size and (ids.min() < 0 or ids.max() >= vocabulary_size):
        raise InputError(
            f"Token ids must be 0 to {vocabulary_size - 1} (tokenizer.vocabulary_size - 1); "
            f"found {ids.min()} to {ids.max()}. Set tokenizer.vocabulary_size to the tokenizer's, or correct the ids."
        )
