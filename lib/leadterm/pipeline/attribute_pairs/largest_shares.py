"""The documents with the largest shares in each pair, of many that come in any order."""

import numpy as np

from leadterm.counting.pair_units import DocumentUnits

MOST_HELD = 2**22
"""Shares that a task holds before it hands the largest on: 100 MB, and twice that while it sorts them."""


class Held:
    """Shares that were found and not yet handed on."""

    def __init__(self) -> None:
        self._parts: list[DocumentUnits] = []
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def append(self, found: DocumentUnits) -> None:
        """Hold more."""
        self._parts.append(found)
        self._n += len(found)

    def take(self) -> DocumentUnits:
        """Give all of them away."""
        columns = ("document", "pair", "units")
        empty = np.zeros(0, dtype=np.int64)
        taken = DocumentUnits(*(np.concatenate([empty, *(vars(one)[name] for one in self._parts)]) for name in columns))
        self._parts, self._n = [], 0
        return taken


def largest(found: DocumentUnits, k: int | None) -> DocumentUnits:
    """Keep the k largest shares of each pair, sorted by pair, then largest first, then by document.

    Examples
    --------
    >>> units = DocumentUnits(np.array([7, 8, 9]), np.array([0, 0, 1]), np.array([1, 2, 3]))
    >>> largest(units, 1).document.tolist()
    [8, 9]
    """
    ordered = found[np.lexsort((found.document, -found.units, found.pair))]
    if k is None or not len(ordered):
        return ordered
    starts = np.flatnonzero(np.diff(ordered.pair, prepend=-1))
    rank = np.arange(len(ordered)) - np.repeat(starts, np.diff(np.append(starts, len(ordered))))
    return ordered[rank < k]
