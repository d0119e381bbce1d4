"""What each document adds to chosen entries of the count matrices, exactly: integers that sum to the entries.

An entry of the bigram or the context matrix is a sum over windows, and the windows of a document lie together. So one
pass over them adds up, for each pair that is wanted, what the current document gives, and hands it out where the next
document begins. Memory is that of the pairs, whatever the number of documents.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from leadterm.counting.pair_kernels import NO_DOCUMENT, scan_bigrams, scan_contexts
from leadterm.errors import InputError

LEAST_OUTPUT = 2**16
"""Units of documents that are handed out together, at least: 1.5 MB."""


class PairMap(IntEnum):
    """Which matrix the entries are of; a pair is (earlier token, later token) under both."""

    BIGRAM = 0
    CONTEXT = 1


@dataclass(frozen=True)
class DocumentUnits:
    """What some documents add to some pairs; documents come in the order of their windows.

    Attributes
    ----------
    document
        int64 (n,): content hash.
    pair
        int64 (n,): number of the pair among those that were asked for.
    units
        int64 (n,): positions, of the bigram matrix; of the context matrix 2^-scale_bits. More than 0.
    """

    document: NDArray[np.int64]
    pair: NDArray[np.int64]
    units: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.document)

    def __getitem__(self, some: "slice | NDArray[np.bool_] | NDArray[np.int64]") -> "DocumentUnits":
        return DocumentUnits(self.document[some], self.pair[some], self.units[some])


class PairScan:
    """Adds up, document by document, the units of wanted pairs.

    Windows of a document are to come one after the other, in as many calls of :meth:`add` as one likes.

    Parameters
    ----------
    pairs
        int64 (n, 2): the earlier token (CURRENT, or CONTEXT) and the later one (NEXT) of each pair, all different.
    kind
        Of which matrix.
    occurrences
        int64 (V,): how often each token occurs, roughly: the pairs of a context are looked up by their rarer token.
    weights
        int64 (T,): of a context token at position t, ``weights[t - 1]``, as `reciprocal_weights` gives them.

    Raises
    ------
    InputError
        If a pair comes twice, or a token is none.

    Examples
    --------
    >>> scan = PairScan(np.array([[1, 0]]), PairMap.BIGRAM, np.array([2, 2]), np.array([4, 2]))
    >>> windows, bounds = np.array([1, 0, 1, 0, 1, 0], dtype=np.int32), np.array([0, 4, 6])
    >>> [found.units.tolist() for found in (*scan.add(windows, bounds, np.array([7, 8])), scan.finish())]
    [[2], [1]]
    """

    def __init__(
        self,
        pairs: NDArray[np.int64],
        kind: PairMap,
        occurrences: NDArray[np.int64],
        weights: NDArray[np.int64],
    ) -> None:
        size, n_pairs = len(occurrences), len(pairs)
        _check_pairs(pairs, size)
        self._kind, self._weights = kind, weights
        later_first = np.zeros(n_pairs, dtype=bool)
        if kind is PairMap.CONTEXT:
            later_first = occurrences[pairs[:, 1]] < occurrences[pairs[:, 0]]
        key = np.where(later_first, pairs[:, 1], pairs[:, 0])
        other = np.where(later_first, pairs[:, 0], pairs[:, 1])
        self._numbers = np.lexsort((other, key, ~later_first)).astype(np.int64)
        n_later = int(later_first.sum())
        key, self._others = key[self._numbers], other[self._numbers].astype(np.int32)
        self._by_later = _bounds(key[:n_later], size)
        self._by_earlier = _bounds(key[n_later:], size) + n_later
        self._units, self._touched = np.zeros(n_pairs, dtype=np.int64), np.zeros(n_pairs, dtype=np.int64)
        self._seen = np.zeros(n_pairs, dtype=np.bool_)
        self._state = np.array([0, 0, NO_DOCUMENT], dtype=np.int64)
        self._counts, self._heard = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int64)
        capacity = max(LEAST_OUTPUT, n_pairs)
        self._out = tuple(np.empty(capacity, dtype=np.int64) for _ in range(3))

    def add(
        self, tokens: NDArray[np.int32], offsets: NDArray[np.int64], documents: NDArray[np.int64]
    ) -> Iterator[DocumentUnits]:
        """Go through some windows, which must have been checked (`leadterm.counting.check_windows`).

        Parameters
        ----------
        tokens, offsets
            int32 (tokens,) and int64 (windows + 1,): the windows end to end.
        documents
            int64 (windows,): the content hash of each window's document; equal ones lie together.

        Yields
        ------
        DocumentUnits
            Of documents that ended; the last one is still open.
        """
        window = 0
        while window < len(documents):
            window, filled = self._scan(tokens, offsets, documents, window)
            if filled:
                yield self._given(filled)

    def finish(self) -> DocumentUnits:
        """End the last document, and give what it adds; then the scan may begin anew."""
        empty = np.zeros(0, dtype=np.int32), np.zeros(2, dtype=np.int64)
        _, filled = self._scan(*empty, np.array([NO_DOCUMENT], dtype=np.int64), 0, closing=True)
        return self._given(filled)

    def _scan(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        documents: NDArray[np.int64],
        window: int,
        *,
        closing: bool = False,
    ) -> tuple[int, int]:
        """Go on from a window until all are done or the output is full; returns the next window and what was filled."""
        self._state[1] = closing
        tally = self._units, self._touched, self._seen, self._state
        if self._kind is PairMap.BIGRAM:
            pairs = self._by_earlier, self._others, self._numbers
            found = scan_bigrams(tokens, offsets, documents, window, *pairs, *tally, *self._out)
        else:
            by_both = self._by_earlier, self._by_later, self._others, self._numbers
            context = self._weights, self._counts, self._heard
            found = scan_contexts(tokens, offsets, documents, window, *by_both, *context, *tally, *self._out)
        return int(found[0]), int(found[1])

    def _given(self, filled: int) -> DocumentUnits:
        """Copy what the kernel wrote."""
        return DocumentUnits(*(column[:filled].copy() for column in self._out))


def _bounds(keys: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Say where the entries of each token begin among sorted ones: int64 (V + 1,)."""
    return np.searchsorted(keys, np.arange(size + 1)).astype(np.int64)


def _check_pairs(pairs: NDArray[np.int64], size: int) -> None:
    """Refuse pairs that cannot be looked up."""
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise InputError(f"Pairs must be rows of two token ids; found an array of shape {pairs.shape}.")
    if len(pairs) and (pairs.min() < 0 or pairs.max() >= size):
        raise InputError(f"Token ids of pairs must be 0 to {size - 1}; found {pairs.min()} to {pairs.max()}.")
    if len(np.unique(pairs[:, 0] * size + pairs[:, 1])) < len(pairs):
        raise InputError("Each pair must come once; found one that comes again. Remove the copies.")
