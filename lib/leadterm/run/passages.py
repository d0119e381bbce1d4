"""The text around a pair of tokens: cut out of a window where the pair weighs most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.corpus.token_names import TokenNames

AROUND = 12
"""Tokens that are shown before and after."""
GAP = " … "
"""Stands for the text between two tokens that are far apart."""


@dataclass(frozen=True, eq=False)
class Passage:
    """A piece of a window with a pair in it.

    Attributes
    ----------
    weight
        What the later token adds to the entry here: 1 for bigrams; for contexts, the number of earlier tokens over t.
    pieces
        Token ids: one piece, or two if the tokens are far apart.
    """

    weight: float
    pieces: tuple[list[int], ...]

    def text(self, names: TokenNames) -> str:
        """Write it out."""
        return GAP.join(map(names.text, self.pieces))


def passage_of(window: NDArray[np.int32], earlier: int, later: int, *, adjacent: bool) -> Passage | None:
    """Cut out where a pair weighs most in a window, at the first of equal places; None if it does not occur.

    Parameters
    ----------
    window
        int32 (n + 1,): token ids.
    earlier, later
        The pair.
    adjacent
        Whether the later token directly follows the earlier one; otherwise it follows anywhere.

    Examples
    --------
    >>> passage_of(np.array([5, 1, 2, 6], dtype=np.int32), 1, 2, adjacent=True)
    Passage(weight=1.0, pieces=([5, 1, 2, 6],))
    """
    comes = np.concatenate([[False], window[1:] == later])
    if adjacent:
        weights = (comes & np.concatenate([[False], window[:-1] == earlier])).astype(np.float64)
    else:
        before = np.concatenate([[0], np.cumsum(window[:-1] == earlier)])
        weights = comes * before / np.maximum(np.arange(len(window)), 1)
    at = int(np.argmax(weights))
    if weights[at] == 0:
        return None
    first = int(np.flatnonzero(window[:at] == earlier)[-1])
    return Passage(float(weights[at]), _pieces(window, first, at))


def _pieces(window: NDArray[np.int32], first: int, last: int) -> tuple[list[int], ...]:
    """Take the tokens around two places."""
    start, stop = max(first - AROUND, 0), last + AROUND + 1
    if last - first <= 2 * AROUND:
        return (window[start:stop].tolist(),)
    return window[start : first + AROUND + 1].tolist(), window[last - AROUND : stop].tolist()
