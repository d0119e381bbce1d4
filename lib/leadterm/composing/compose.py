"""The composed map G = B'(B Phi) at the pairs that occur, block of context tokens by block.

With P, W the uncentred maps, alpha, rho their margins, m the mask of kept tokens (k of V), r = P m and s = W'm:

    K = B Phi = P W - r rho'/V - alpha s'/V + (k / V^2) alpha rho'
    G = B'K = P'K - m (alpha'K)/V
    u = G'm / V, the mean over next tokens, which is 0 where all tokens are kept
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.composing.kernels import (
    add_weighted_rows,
    first_entries,
    multiply_at_pairs,
    multiply_into_block,
)
from leadterm.composing.statistics import PairStatistics
from leadterm.composing.types import Composed, OnBlock, OnProgress
from leadterm.errors import ConfigError

RANGES = 64
"""Into which the rows are divided for the threads: enough that none waits long for the last."""
COLUMN_RANGES = 8
"""Into which the columns of a block are divided: few, since memory is read in runs of one range."""


def compose_scores(
    statistics: PairStatistics,
    scores: NDArray[np.float64],
    memory_bytes: int,
    *,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
    done: NDArray[np.float64] | None = None,
    on_block: OnBlock | None = None,
) -> Composed:
    """Compute the scores on the CPU.

    Parameters
    ----------
    statistics
        Of the corpus.
    scores
        Room for them, float64 (pairs,), zeros.
    memory_bytes
        What the block of K may take; scores and statistics come on top.
    threads
        How many; by default one per core. The result does not depend on it, nor on the memory.
    on_progress
        Called after each block.
    done
        To go on from: what ``on_block`` was told last, and ``scores`` as they were then, or later.
    on_block
        Told after each block the mean scores of all context tokens so far, which with ``scores`` is all that there is.

    Raises
    ------
    ConfigError
        If not even one column fits the memory.
    """
    size, context = statistics.size, statistics.context
    width = block_width(memory_bytes, size)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        blocks = _Blocks(statistics, scores, pool, width, np.zeros(0) if done is None else done)
        for origin in range(blocks.n_done, size, width):
            end = min(size, origin + width)
            blocks.compose(origin, end)
            if on_block is not None:
                on_block(blocks.centring[:end])
            if on_progress is not None:
                on_progress(end)
    return Composed(context, scores, np.where(statistics.kept, -blocks.centring, 0.0), statistics.kept)


class _Blocks:
    """Composes context tokens from left to right.

    Parameters
    ----------
    statistics
        Of the corpus.
    scores
        Float64 (pairs,), to be filled.
    pool
        Of threads.
    width
        The most tokens at once. Their block of K is kept for the next ones: fresh memory costs as much as the products.
    done
        The mean scores of those that were composed before.
    """

    def __init__(
        self,
        statistics: PairStatistics,
        scores: NDArray[np.float64],
        pool: ThreadPoolExecutor,
        width: int,
        done: NDArray[np.float64],
    ) -> None:
        self._statistics, self._scores, self._pool = statistics, scores, pool
        self._backward = statistics.bigram.T.tocsr()
        self._backward.sort_indices()
        self._offsets, self._columns, self._values = _csr(statistics.context)
        self.n_done = len(done)
        self._firsts = first_entries(self._offsets, self._columns, self.n_done)
        self._memory = np.empty(statistics.size * width)
        self.centring = np.concatenate([done, np.zeros(statistics.size - len(done))])
        """float64 (V,): the mean u of the scores of each context token."""

    def compose(self, origin: int, end: int) -> None:
        """Fill in the scores of the next context tokens."""
        statistics, backward = self._statistics, self._backward
        lasts = first_entries(self._offsets, self._columns, end)
        span = (self._firsts, lasts, self._columns)
        block = self._memory[: statistics.size * (end - origin)].reshape(statistics.size, end - origin)
        forward = (*_csr(statistics.bigram), *span, self._values, origin, *_rank_one_part(statistics, origin, end))
        self._in_threads(partial(multiply_into_block, *forward, block), _ranges(statistics.bigram))
        shift, self.centring[origin:end] = self._column_means(block)
        at_pairs = (*_csr(backward), *span, origin, block, shift, self._scores)
        self._in_threads(partial(multiply_at_pairs, *at_pairs), _ranges(backward))
        self._firsts = lasts

    def _column_means(self, block: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give what to subtract from P'K, alpha'K/V + u, and u, for each column of a block of K."""
        statistics, width = self._statistics, block.shape[1]
        out = np.zeros((2, width))
        vectors = (statistics.current_frequency, statistics.row_sums)
        columns = np.linspace(0, width, COLUMN_RANGES + 1).astype(np.int64).tolist()
        self._in_threads(partial(add_weighted_rows, *vectors, block, out), columns)
        sums, kept_sums = out
        mean = (kept_sums - statistics.n_kept / statistics.size * sums) / statistics.size
        return sums / statistics.size + mean, mean

    def _in_threads(self, work: Callable[[int, int], None], bounds: Sequence[int]) -> None:
        """Do some work for all ranges between the bounds."""
        for done in [self._pool.submit(work, start, stop) for start, stop in pairwise(bounds)]:
            done.result()


def block_width(memory_bytes: int, size: int) -> int:
    """Say how many columns of K fit: 8 bytes for each of V rows.

    Raises
    ------
    ConfigError
        If none does.
    """
    width = memory_bytes // (8 * size)
    if width < 1:
        raise ConfigError(
            f"attention.memory is {memory_bytes:,} bytes; a vocabulary of {size:,} tokens needs at least {8 * size:,}. "
            "Raise attention.memory."
        )
    return min(width, size)


def _rank_one_part(statistics: PairStatistics, origin: int, end: int) -> tuple[NDArray[np.float64], ...]:
    """Give K - P W for some context tokens as a difference of two outer products: rows and columns of each."""
    size = statistics.size
    rho, sums = statistics.context_frequency[origin:end] / size, statistics.column_sums[origin:end] / size
    return statistics.current_frequency, statistics.n_kept / size * rho - sums, statistics.row_sums, rho


def _csr(matrix: csr_array) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Give the arrays of a matrix as the kernels take them."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), np.ascontiguousarray(matrix.data)


def _ranges(matrix: csr_array) -> list[int]:
    """Divide the rows of a matrix into ranges of about as many entries each: their bounds."""
    targets = np.linspace(0, matrix.nnz, RANGES + 1)[1:-1]
    bounds = [0, *np.searchsorted(matrix.indptr, targets).tolist(), matrix.shape[0]]
    ascending: list[int] = np.maximum.accumulate(bounds).tolist()
    return ascending
