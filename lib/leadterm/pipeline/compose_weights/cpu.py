"""The composed map G = B'(B Phi) at the pairs that occur, strip of context tokens by strip.

With P, W the uncentred maps, alpha, rho their margins, m the mask of kept tokens (k of V), r = P m and s = W'm:

    K = B Phi = P W - r rho'/V - alpha s'/V + (k / V^2) alpha rho'
    G = B'K = P'K - m (alpha'K)/V
    u = G'm / V, the mean over next tokens, which is 0 where all tokens are kept
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from leadterm.errors import ConfigError
from leadterm.pipeline.compose_weights.add_rows import LANES
from leadterm.pipeline.compose_weights.composed_scores import Composed, OnBlock, OnProgress
from leadterm.pipeline.compose_weights.context_strips import Strips, bytes_per_column
from leadterm.pipeline.compose_weights.pair_statistics import PairStatistics

WIDEST = 512
"""Context tokens of a strip: packed rows are long enough that coming to each of them costs little. Twice as many would
take 10 % less time and twice the memory."""
STRIPS_PER_THREAD = 4
"""Or more, so that threads end at about the same time: strips of frequent tokens take twice as long as others."""


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
        What strips may take; scores and statistics come on top.
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
        If the memory does not hold the narrowest strip.
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


def divide_memory(memory_bytes: int, size: int, threads: int) -> tuple[int, int]:
    """Say how many threads have room for a strip, and how many columns it has: a multiple of LANES, but no more than V.

    Raises
    ------
    ConfigError
        If not even one thread has room for LANES columns.
    """
    needed = LANES * bytes_per_column(size)
    parts = memory_bytes // needed
    if parts < 1:
        raise ConfigError(
            f"attention.memory is {memory_bytes:,} bytes; a vocabulary of {size:,} tokens needs at least {needed:,}. "
            "Raise attention.memory."
        )
    threads = min(threads, parts)
    return threads, min(widest(size, threads), parts // threads * LANES, size)


def widest(size: int, threads: int) -> int:
    """Say how many context tokens a strip has at most, of a vocabulary of this many."""
    return min(WIDEST, -(-size // (STRIPS_PER_THREAD * threads * LANES)) * LANES)
