"""Scores for the attention kernels, from windows: composed by the library, or laid out from a dense matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from scipy import sparse

from leadterm.counting import ScoreRows, Scores, SparseRows, Statistic, TaskMemory, attention_unit
from leadterm.pipeline.compose_weights import Composed, PairStatistics, compose_scores
from support.dense_theory import DenseStatistics


def pair_statistics(dense: DenseStatistics, kept: np.ndarray | None = None) -> PairStatistics:
    """What compose works from."""
    counts, weights = sparse.csr_array(dense.bigram_counts), sparse.csr_array(dense.context_weights)
    return PairStatistics.from_counts(counts, weights, dense.n_positions, kept)


def compose(dense: DenseStatistics, kept: np.ndarray | None = None, memory: int = 2**20, threads: int = 2) -> Composed:
    """Compose in memory."""
    statistics = pair_statistics(dense, kept)
    return compose_scores(statistics, np.zeros(statistics.context.nnz), memory, threads=threads)


def dense_of(composed: Composed) -> np.ndarray:
    """Lay the scores of the pairs that occur out; NaN elsewhere."""
    size = len(composed.kept)
    result = np.full((size, size), np.nan)
    rows = np.repeat(np.arange(size), np.diff(composed.pairs.indptr))
    result[rows, composed.pairs.indices] = composed.scores
    return result


def as_scores(composed: Composed, row_bits: np.ndarray, position_bits: int) -> Scores:
    """Hand scores to the kernels."""
    offsets, columns = composed.pairs.indptr.astype(np.int64), composed.pairs.indices.astype(np.int32)
    matrix = ScoreRows.of_csr(offsets, columns, composed.scores)
    return Scores(matrix, composed.kept, composed.without_row, row_bits, position_bits)


def count(
    windows: Sequence[Sequence[int]],
    length: int,
    scores: Scores,
    capacity: int = 1,
    block_places: int = 1,
    entries_per_score: float | None = None,
) -> list[tuple[Statistic, SparseRows]]:
    """Run the kernel on lists of windows."""
    tokens = np.array([token for window in windows for token in window], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, windows)], dtype=np.int64)
    counted = attention_unit(
        tokens, offsets, length, scores, TaskMemory(2**20, capacity, block_places), entries_per_score
    )
    return [(statistic, rows.copy()) for statistic, rows in counted]


def sums(pieces: Iterable[tuple[Statistic, SparseRows]]) -> dict[Statistic, dict[tuple[int, int], int]]:
    """Sum rows into {(row, column): value} of each statistic, without zeros."""
    found: dict[Statistic, Counter[tuple[int, int]]] = {Statistic.QUERY_KEY: Counter(), Statistic.POSITION: Counter()}
    for statistic, rows in pieces:
        for i, (first, last) in enumerate(pairwise(rows.offsets)):
            entries = zip(rows.columns[first:last].tolist(), rows.values[first:last].tolist(), strict=True)
            found[statistic].update({(int(rows.keys[i]), column): value for column, value in entries})
    return {kind: {key: n for key, n in entries.items() if n} for kind, entries in found.items()}
