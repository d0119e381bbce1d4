"""The composed map G = B'(B Phi) at the pairs that occur, strip of context tokens by strip.

With P, W the uncentred maps, alpha, rho their margins, m the mask of kept tokens (k of V), r = P m and s = W'm:

    K = B Phi = P W - r rho'/V - alpha s'/V + (k / V^2) alpha rho'
    G = B'K = P'K - m (alpha'K)/V
    u = G'm / V, the mean over next tokens, which is 0 where all tokens are kept
"""

import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.errors import ConfigError
from leadterm.pipeline.compose_weights.composed_scores import Composed, OnBlock, OnProgress
from leadterm.pipeline.compose_weights.cpu_kernels import (
    first_entries,
    lay_out,
    multiply_back,
    multiply_forward,
    place_rows,
)
from leadterm.pipeline.compose_weights.pair_statistics import PairStatistics

BYTES_PER_CELL = 16
"""Of a strip: an entry of K, and one of a row of the context map that is laid out dense (float64 each)."""
WIDEST = 512
"""Context tokens of a strip: its rows of 4 KB are long enough that coming to each of them costs little. Twice as many
would take 7 % less time and twice the memory."""
NARROW, NARROW_BYTES = 256, 2**23
"""This many where all rows of a strip fit the caches then: these would not hold twice as many."""
DENSE = 6
"""A row of the context map is laid out if it has one entry for this many columns of a strip, or more."""


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
        Room for them, float64 (pairs,).
    memory_bytes
        What strips of K may take; scores and statistics come on top.
    threads
        How many; by default one per core, but no more than memory allows. The result does not depend on it, nor on the
        memory.
    on_progress
        Called after each strip.
    done
        To go on from: what ``on_block`` was told last, and ``scores`` as they were then, or later.
    on_block
        Told after each strip the mean scores of all context tokens so far, which with ``scores`` is all that there is.

    Raises
    ------
    ConfigError
        If not even one column fits the memory.
    """
    size, centring = statistics.size, np.zeros(statistics.size)
    n_done = 0 if done is None else len(done)
    centring[:n_done] = done if n_done else 0.0
    threads, width = divide_memory(memory_bytes, size, threads or os.cpu_count() or 1)
    strips = Strips(statistics, scores, width, threads)
    origins = range(n_done, size, width)
    pool = ThreadPoolExecutor(threads)
    try:
        for origin, mean in zip(origins, pool.map(strips.compose, origins), strict=True):
            end = origin + len(mean)
            centring[origin:end] = mean
            if on_block is not None:
                on_block(centring[:end])
            if on_progress is not None:
                on_progress(end)
    finally:
        pool.shutdown(cancel_futures=True)  # Whoever stops this does not wait for strips that have not begun.
    return Composed(statistics.context, scores, np.where(statistics.kept, -centring, 0.0), statistics.kept)


class Strips:
    """Composes strips of context tokens, each in one thread.

    Parameters
    ----------
    statistics
        Of the corpus.
    scores
        Float64 (pairs,), to be filled.
    width
        The most context tokens of a strip.
    at_once
        How many strips there are at the same time. Their memory is kept for the next ones: new memory costs as much as
        the products.
    """

    def __init__(self, statistics: PairStatistics, scores: NDArray[np.float64], width: int, at_once: int) -> None:
        self._statistics, self._scores, self._width = statistics, scores, width
        self._bigram, self._context = _csr(statistics.bigram), _csr(statistics.context)
        self._rooms: SimpleQueue[NDArray[np.float64]] = SimpleQueue()
        for _ in range(at_once):
            self._rooms.put(np.empty((2, statistics.size * width)))

    def compose(self, origin: int) -> NDArray[np.float64]:
        """Fill in the scores of the context tokens from ``origin`` on; give the mean u of each, float64 (tokens,)."""
        room = self._rooms.get()
        try:
            return self._compose(origin, min(self._statistics.size, origin + self._width), room)
        finally:
            self._rooms.put(room)

    def _compose(self, origin: int, end: int, room: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply forward, centre, and multiply back."""
        statistics, (offsets, columns, values) = self._statistics, self._context
        size, width = statistics.size, end - origin
        strip, dense = room[:, : size * width].reshape(2, size, width)
        firsts, lasts = (first_entries(offsets, columns, column) for column in (origin, end))
        places = np.empty(size, dtype=np.int32)
        place_rows(firsts, lasts, -(-width // DENSE), places)
        context = (firsts, lasts, columns, origin, places, dense)
        lay_out(*context, values)
        sums = np.zeros((2, width))
        multiply_forward(*self._bigram, *context, values, *_rank_one_part(statistics, origin, end), strip, sums)
        mean: NDArray[np.float64] = (sums[1] - statistics.n_kept / size * sums[0]) / size
        multiply_back(*self._bigram, *context, strip, sums[0] / size + mean, self._scores)
        return mean


def divide_memory(memory_bytes: int, size: int, threads: int) -> tuple[int, int]:
    """Say how many threads have room for a strip, and how many columns of V cells it has.

    Raises
    ------
    ConfigError
        If not even one thread has room for a column.
    """
    cells = memory_bytes // (BYTES_PER_CELL * size)
    if cells < 1:
        raise ConfigError(
            f"attention.memory is {memory_bytes:,} bytes; a vocabulary of {size:,} tokens needs at least "
            f"{BYTES_PER_CELL * size:,}. Raise attention.memory."
        )
    threads = min(threads, cells)
    return threads, min(widest(size), cells // threads, size)


def widest(size: int) -> int:
    """Say how many context tokens a strip has at most, of a vocabulary of this many."""
    return NARROW if np.dtype(np.float64).itemsize * NARROW * size <= NARROW_BYTES else WIDEST


def _rank_one_part(statistics: PairStatistics, origin: int, end: int) -> tuple[NDArray[np.float64], ...]:
    """Give K - P W for some context tokens as a difference of two outer products: rows and columns of each."""
    size = statistics.size
    rho, sums = statistics.context_frequency[origin:end] / size, statistics.column_sums[origin:end] / size
    return statistics.current_frequency, statistics.n_kept / size * rho - sums, statistics.row_sums, rho


def _csr(matrix: csr_array) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Give the arrays of a matrix as the kernels take them."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), np.ascontiguousarray(matrix.data)
