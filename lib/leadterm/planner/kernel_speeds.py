"""Measures on a sample what composing and attention cost: seconds of one core for each thing that grows."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.counting import (
    ScoreRows,
    Scores,
    Statistic,
    TaskMemory,
    attention_unit,
    count_unit,
    places_of,
    reciprocal_weights,
)
from leadterm.counting.row_codec import pack
from leadterm.frequent_tokens import top_tokens
from leadterm.pipeline.compose_weights import PairStatistics, compose_scores
from leadterm.pipeline.count_attention.precision import TermUnits
from leadterm.planner.distinct_pairs import CAPACITY, Census, fit_costs, halves

COMPOSED = 4096
"""Most frequent tokens of the sample that are composed, so that this takes a second or two."""
EMPTY = 2**14
"""Rows and columns of a composition without pairs."""
ROOM = 2**34
"""Bytes that a composition may take: more than it does."""
BLOCKS = 8
"""Into which the scores of attention are divided, to see what another block costs."""
BITS = 30
"""Fixed point of the attention terms: any would do."""


@dataclass(frozen=True)
class Composing:
    """Seconds of one core for a multiplication, and for each of V x V cells of the dense product."""

    multiplication: float
    cell: float


@dataclass(frozen=True)
class Attending:
    """Seconds of one core for a pair, for an entry that is summed, and for a score that is noted for a block; and
    the bytes of an entry among partial sums.
    """

    pair: float
    entry: float
    score: float
    entry_bytes: float


def count_matrices(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], size: int, length: int
) -> tuple[csr_array, csr_array]:
    """Count windows into the bigram [CURRENT, NEXT] and the context matrix [NEXT, CONTEXT]: float64 (V, V)."""
    found: dict[Statistic, list[tuple[Any, ...]]] = {Statistic.BIGRAM: [], Statistic.CONTEXT: []}
    for statistic, rows in count_unit(tokens, offsets, size, reciprocal_weights(length, BITS), CAPACITY):
        if statistic in found:
            parts = (np.repeat(rows.keys, np.diff(rows.offsets)), rows.columns.copy(), rows.values.astype(float))
            found[statistic].append(parts)
    bigram, context = (_matrix(parts, size) for parts in found.values())
    return bigram, context


def _matrix(parts: list[tuple[Any, ...]], size: int) -> csr_array:
    """Put batches of rows together."""
    rows, columns, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=size))])
    return csr_array((values, columns, offsets), shape=(size, size))


def measure_composing(bigram: csr_array, context: csr_array, counts: NDArray[np.int64], n_positions: int) -> Composing:
    """Compose the most frequent tokens of a sample on one core."""
    kept = np.flatnonzero(top_tokens(counts, COMPOSED))
    pairs, contexts = (csr_array(matrix[kept][:, kept]) for matrix in (bigram, context))
    statistics = PairStatistics.from_counts(pairs, contexts, n_positions)
    multiplications = float(np.diff(contexts.indptr) @ np.bincount(pairs.indices, minlength=len(kept)))
    cell = _seconds_of(_without_pairs(EMPTY)) / EMPTY**2
    seconds = _seconds_of(statistics) - cell * len(kept) ** 2
    return Composing(max(seconds, 0.0) / max(multiplications, 1.0), cell)


def _without_pairs(size: int) -> PairStatistics:
    """Make statistics that say of no pair that it occurs."""
    nothing, same = csr_array((size, size)), np.full(size, 1 / size)
    return PairStatistics(nothing, nothing, same, same, np.ones(size, dtype=np.bool_))


def _seconds_of(statistics: PairStatistics) -> float:
    """Compose on one core."""
    started = time.process_time()
    compose_scores(statistics, np.zeros(statistics.context.nnz), ROOM, threads=1)
    return time.process_time() - started


def measure_attending(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    bigram: csr_array,
    context: csr_array,
    length: int,
    census: Census,
) -> Attending:
    """Count attention with made-up scores of a sample's pairs: whole, in smaller blocks, and of a half.

    Each block notes all rows, which tells what that costs; a large corpus spares some by its frequent pairs.
    """
    scores = _made_up_scores(bigram, context)
    whole, places = census.whole, int(places_of(census.whole.pairs, census.whole.positions))
    memory = TaskMemory(len(tokens), max(CAPACITY, context.shape[0]), places)
    half, small = halves(tokens, offsets)[0], replace(memory, block_places=places // BLOCKS + length)
    part = census.levels[-2] if len(census.levels) > 1 else whole
    table, seconds = [], []
    for windows, limit, found, blocks in (
        ((tokens, offsets), memory, whole, 1), ((tokens, offsets), small, whole, BLOCKS), (half, memory, part, 1)
    ):  # fmt: skip
        started = time.process_time()
        entries = sum(found_rows.n_nonzeros for _, found_rows in attention_unit(*windows, length, scores, limit, 0.0))
        seconds.append(time.process_time() - started)
        table.append([found.pairs, entries, blocks * context.nnz])
    packed = sum(len(pack(rows)) for _, rows in attention_unit(tokens, offsets, length, scores, memory))
    pair, entry, score = fit_costs(np.array(table, dtype=float), np.array(seconds))
    return Attending(pair, entry, score, packed / max(1.0, table[0][1]))


def _made_up_scores(bigram: csr_array, context: csr_array) -> Scores:
    """Make scores for all pairs of a sample up, and take the units in which they would be summed."""
    values = np.random.default_rng(0).standard_normal(context.nnz)
    offsets, rows = context.indptr.astype(np.int64), np.flatnonzero(np.diff(context.indptr))
    spread = np.zeros(context.shape[0])
    spread[rows] = np.maximum.reduceat(values, offsets[rows]) - np.minimum.reduceat(values, offsets[rows])
    units = TermUnits.from_counts(bigram, spread)
    kept = np.ones(len(spread), dtype=np.bool_)
    matrix = ScoreRows.of_csr(offsets, context.indices.astype(np.int32), values)
    return Scores(matrix, kept, np.zeros(len(spread)), units.row_bits, units.position_bits)
