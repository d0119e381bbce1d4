"""Documents cut into windows of tokens, by one of two policies."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from leadterm.config import MAX_WINDOW_LENGTH, WindowPolicy
from leadterm.corpus.ragged import Ragged
from leadterm.errors import InputError


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of 2 to T+1 tokens, and which documents gave none.

    Parameters
    ----------
    tokens
        One list of ids per window; a window of n+1 tokens holds n positions.
    document
        int64, shape (windows,): the index of each window's document, not falling.
    window
        int32, shape (windows,): the index of the window within its document, from 0.
    too_short
        bool, shape (documents,): True where a document gave no window.
    """

    tokens: Ragged
    document: NDArray[np.int64]
    window: NDArray[np.int32]
    too_short: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def n_positions(self) -> int:
        """M, the number of (current, next) pairs of all windows."""
        return self.tokens.values.size - len(self.tokens)


def cut_windows(documents: Ragged, length: int, policy: WindowPolicy = "tile") -> Windows:
    """Cut documents into windows of at most ``length + 1`` tokens; no window crosses a document.

    Parameters
    ----------
    documents
        One list of token ids per document.
    length
        T, the most positions a window holds, 1 to 65,536.
    policy
        ``"tile"``: consecutive windows that overlap by one token, so every adjacent pair of a document lies in
        exactly one window; the last may be shorter, down to 2 tokens; documents of 0 or 1 tokens give none.
        ``"first"``: the first T+1 tokens of a document; shorter documents give none.

    Returns
    -------
    Windows
        In the order of the documents. The tokens are copies.

    Raises
    ------
    InputError
        The length or the policy is not one of those above.

    Examples
    --------
    >>> documents = Ragged.from_lists([[1, 2, 3, 4, 5, 6], [7]])
    >>> windows = cut_windows(documents, length=2)
    >>> [row.tolist() for row in windows.tokens]
    [[1, 2, 3], [3, 4, 5], [5, 6]]
    >>> windows.n_positions, windows.too_short.tolist()
    (5, [False, True])
    >>> [row.tolist() for row in cut_windows(documents, 2, "first").tokens]
    [[1, 2, 3]]
    """
    _check(length, policy)
    sizes = documents.lengths
    # Of m adjacent pairs, tile makes ceil(m / T) windows: T pairs each, the rest in the last.
    counts = np.maximum(sizes - 1 + length - 1, 0) // length if policy == "tile" else (sizes > length).astype(np.int64)
    document = np.repeat(np.arange(len(documents), dtype=np.int64), counts)
    window = np.arange(document.size, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = window * length
    stops = np.minimum(starts + length + 1, sizes[document])
    tokens = _gather(documents, document, starts, stops)
    return Windows(tokens, document, window.astype(np.int32), counts == 0)


def _gather(
    documents: Ragged, document: NDArray[np.int64], starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> Ragged:
    """Copy ``documents[document[i]][starts[i]:stops[i]]`` for every i, end to end."""
    lengths = stops - starts
    offsets = np.zeros(lengths.size + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    source = np.repeat(documents.offsets[document] + starts - offsets[:-1], lengths)
    source += np.arange(source.size)
    return Ragged(documents.values[source], offsets)


def _check(length: int, policy: str) -> None:
    if not 1 <= length <= MAX_WINDOW_LENGTH:
        raise InputError(
            f"The window length must be 1 to {MAX_WINDOW_LENGTH} positions; found {length}. "
            "Set windows.length to a number in this range."
        )
    if policy not in get_args(WindowPolicy):
        raise InputError(
            f"The window policy must be one of {', '.join(get_args(WindowPolicy))}; found {policy!r}. "
            "Set windows.policy to one of these."
        )
