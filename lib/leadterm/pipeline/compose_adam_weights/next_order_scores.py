"""Scores of attention to the next order under another optimizer: a recursion by blocks of rows, added up densely."""

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.pipeline.compose_adam_weights.entrywise_scores import compact_basis, places_of, require_room
from leadterm.pipeline.compose_weights import Composed, PairStatistics
from leadterm.theory import Descent, Share, next_order_scores

WORKSPACE = 2**26
"""Bytes for a block of rows on every machine, so that sums are in one order."""


def compose_next_order(
    statistics: PairStatistics,
    descent: Descent,
    scores: NDArray[np.float64],
    *,
    memory_bytes: int,
    device: torch.device,
) -> tuple[Composed, list[Share]]:
    """Compute the scores, and how much of them those of each step are.

    Parameters
    ----------
    statistics
        Of the corpus.
    descent
        Whose scores they are.
    scores
        Room for them, float64 (pairs,).
    memory_bytes
        What the dense scores of all pairs and a block of rows may take.
    device
        Where products are computed.

    Raises
    ------
    ConfigError
        If the dense scores do not fit the memory.
    """
    kept = np.flatnonzero(statistics.kept)
    require_room(len(kept), np.dtype(np.float64).itemsize * len(kept) ** 2 + WORKSPACE, memory_bytes)
    dense, mean, shares = next_order_scores(compact_basis(statistics, kept, device), descent, WORKSPACE)
    pattern = places_of(statistics, kept)
    columns = np.repeat(np.arange(len(kept)), np.diff(pattern.indptr))
    scores[pattern.data] = dense.cpu().numpy()[pattern.indices, columns]
    without_row = np.zeros(statistics.size)
    without_row[kept] = -mean.cpu().numpy()
    return Composed(statistics.context, scores, without_row, statistics.kept), shares
