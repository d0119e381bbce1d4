"""The bigram map as the kernels go through it: next tokens by rank, and current tokens in blocks."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

BLOCK = 1024
"""Current tokens of a block: their rows of K, 256 KB for the columns that are added at once, stay in a core's cache."""


class Block(NamedTuple):
    """The pairs of some current tokens in succession, by next token.

    Attributes
    ----------
    first, last
        The current tokens: those from ``first`` to before ``last``.
    ranks : numpy.ndarray, int32 (next tokens,)
        Of the next tokens that follow any of them, in ascending order.
    offsets : numpy.ndarray, int64 (next tokens + 1,)
        Where the pairs of each begin.
    currents : numpy.ndarray, int32 (pairs,)
        Of each pair, counted from ``first``.
    values : numpy.ndarray, float64 (pairs,)
        Of each pair.
    """

    first: int
    last: int
    ranks: NDArray[np.int32]
    offsets: NDArray[np.int64]
    currents: NDArray[np.int32]
    values: NDArray[np.float64]


class RankedBigram:
    """The bigram map, whose columns are ranks: the next token that follows most current tokens has rank 0.

    A product over the first ranks alone takes most of the pairs and few rows, which stay in a cache; and sums in order
    of ranks can take any number of the first ones apart without changing their order.

    Parameters
    ----------
    bigram
        Float64 (V, V), [CURRENT, NEXT].

    Attributes
    ----------
    by_rank : numpy.ndarray, int64 (V,)
        The next token of each rank.
    offsets : numpy.ndarray, int64 (V + 1,)
        Where the pairs of each current token begin.
    ranks : numpy.ndarray, int32 (pairs,)
        Of next tokens, ascending for each current token.
    values : numpy.ndarray, float64 (pairs,)
        Of each pair.
    blocks : list[Block]
        The same pairs once more, for sums over current tokens.
    """

    def __init__(self, bigram: csr_array) -> None:
        size = bigram.shape[1]
        self.by_rank: NDArray[np.int64] = np.argsort(-np.bincount(bigram.indices, minlength=size), kind="stable")
        ranks = np.empty(size, dtype=np.int32)
        ranks[self.by_rank] = np.arange(size, dtype=np.int32)
        ranked = csr_array((bigram.data.copy(), ranks[bigram.indices], bigram.indptr), shape=bigram.shape)
        ranked.sort_indices()
        self.offsets = ranked.indptr.astype(np.int64)
        self.ranks, self.values = ranked.indices.astype(np.int32, copy=False), ranked.data
        self.blocks = list(_blocks(ranked))


def _blocks(ranked: csr_array) -> Iterator[Block]:
    """Turn some rows at a time."""
    for first in range(0, ranked.shape[0], BLOCK):
        last = min(first + BLOCK, ranked.shape[0])
        turned = ranked[first:last].tocsc()
        ranks = np.flatnonzero(np.diff(turned.indptr))
        offsets = np.append(turned.indptr[ranks], turned.nnz).astype(np.int64)
        currents = turned.indices.astype(np.int32, copy=False)
        yield Block(first, last, ranks.astype(np.int32), offsets, currents, turned.data)
