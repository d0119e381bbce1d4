"""Counts a sample and its parts with the job's own kernels: how many distinct pairs there are in some positions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from leadterm.counting import SparseRows, Statistic, count_unit
from leadterm.counting.cooccurrence import count_contexts
from leadterm.counting.positions import CURRENT
from leadterm.planner.pair_growth import nested_parts

PARTS = 32
"""Into which a sample is divided: five points of the curve, and one more to try predictions out."""
POINTS = 5
"""Of a curve, the last ones: what was found in smaller parts tells less of a corpus."""
QUARTERS = 4
CAPACITY = 2**21
"""Entries of a batch of rows."""
LEAST_LEVELS = 5
"""Of which quarters have curves of their own."""
Curve = tuple[list[float], list[float]]
Tokens = NDArray[np.int32]
Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """What was counted in some windows.

    Attributes
    ----------
    positions, pairs
        Positions, and pairs of a position and a token of its context.
    bigram, context
        Distinct pairs.
    kept_bigram, kept_context, query_key
        Those of the tokens whose scores are composed.
    rows
        Tokens that stand at a position.
    row_length
        Of a row of the context matrix, averaged over the pairs of kept tokens in the bigram: each takes as many
        multiplications while scores are composed.
    seconds
        Of one core, for bigram and context.
    """

    positions: float
    pairs: float
    bigram: float
    context: float
    kept_bigram: float
    kept_context: float
    query_key: float
    rows: float
    row_length: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Census:
    """What was counted in the parts of a sample.

    Attributes
    ----------
    counted
        For each size of parts, ascending, all parts of that size in order; the last one is the whole sample.
    """

    counted: tuple[tuple[Counted, ...], ...]

    @cached_property
    def levels(self) -> tuple[Counted, ...]:
        """The means over all parts of a size."""
        return tuple(_mean(parts) for parts in self.counted)

    @property
    def whole(self) -> Counted:
        """The whole sample."""
        return self.levels[-1]

    def curve(self, name: str, *, without: int = 0) -> Curve:
        """Give the positions of the last levels, and how much of something there is; but for the very last ones."""
        return _curve(self.levels[: len(self.levels) - without][-POINTS:], name)

    def curves_of_quarters(self, name: str) -> list[Curve]:
        """Give the same of each quarter of the sample alone; none if it has too few parts."""
        if len(self.counted) < LEAST_LEVELS:
            return []
        lower = self.counted[:-2]
        return [
            _curve(
                [_mean(parts[len(parts) * i // QUARTERS : len(parts) * (i + 1) // QUARTERS]) for parts in lower], name
            )
            for i in range(QUARTERS)
        ]

    def rates(self) -> tuple[float, float, float]:
        """Say what a pair costs, a nonzero that is counted, and a unit: seconds of one core."""
        table = np.array([[level.pairs, level.bigram + level.context, 1.0] for level in self.levels])
        pair, nonzero, unit = fit_costs(table, np.array([level.seconds for level in self.levels]))
        return pair, nonzero, unit


def _mean(parts: Sequence[Counted]) -> Counted:
    """Average what was counted in some parts."""
    return Counted(*np.mean([[*vars(one).values()] for one in parts], axis=0).tolist())


def _curve(levels: Sequence[Counted], name: str) -> Curve:
    """Take positions, and something else, from all levels."""
    return [level.positions for level in levels], [getattr(level, name) for level in levels]


def fit_costs(numbers: NDArray[np.float64], seconds: NDArray[np.float64]) -> list[float]:
    """Find what each of several things costs from some measurements, a row each; no cost is negative.

    All measurements weigh the same, however long they took.

    Examples
    --------
    >>> [round(cost, 6) for cost in fit_costs(np.array([[1.0, 1], [2, 1], [4, 1]]), np.array([5.0, 7, 11]))]
    [2.0, 3.0]
    """
    costs, _ = nnls(numbers / seconds[:, None], np.ones(len(seconds)))
    return [float(cost) for cost in costs]


def take_census(
    tokens: Tokens, offsets: Offsets, size: int, weights: NDArray[np.int64], kept: NDArray[np.bool_] | None
) -> Census:
    """Count a sample and its nested parts.

    Parameters
    ----------
    tokens, offsets
        Its windows in random order of documents, as :func:`leadterm.counting.count_unit` takes them.
    size
        V.
    weights
        int64 (T,): the job's own, since a pair whose weights are all rounded to 0 is not counted.
    kept
        bool (V,): the tokens that are composed; None for all.
    """
    n_windows = len(offsets) - 1
    n_parts = min(PARTS, 2 ** (n_windows.bit_length() - 1))
    places = np.searchsorted(offsets, np.linspace(0, offsets[-1], n_parts + 1))
    cuts = np.maximum.accumulate(np.minimum(places, n_windows))
    counted = [
        [_count(*_windows(tokens, offsets, cuts[first], cuts[last]), size, weights, kept) for first, last in ranges]
        for ranges in nested_parts(n_parts)
    ]
    return Census(tuple(map(tuple, counted)))


def _windows(tokens: Tokens, offsets: Offsets, first: int, last: int) -> tuple[Tokens, Offsets]:
    """Take some consecutive windows."""
    return tokens[offsets[first] : offsets[last]], offsets[first : last + 1] - offsets[first]


def _count(
    tokens: Tokens, offsets: Offsets, size: int, weights: NDArray[np.int64], kept: NDArray[np.bool_] | None
) -> Counted:
    """Count some windows."""
    lengths, next_counts = np.zeros((2, size), dtype=np.int64)
    found = dict.fromkeys(("bigram", "context", "query_key", "rows"), 0)
    seconds, started = 0.0, time.process_time()
    for statistic, rows in count_unit(tokens, offsets, size, weights, CAPACITY):
        seconds += time.process_time() - started
        if statistic == Statistic.BIGRAM:
            found["bigram"] += rows.n_nonzeros
            found["rows"] += len(rows)
            next_counts += np.bincount(_columns(rows, kept), minlength=size)
        elif statistic == Statistic.CONTEXT:
            found["context"] += rows.n_nonzeros
            lengths[rows.keys] = _lengths(rows, kept)
        started = time.process_time()
    capacity = max(CAPACITY, size)
    for rows in count_contexts(tokens, offsets, size, weights, capacity, CURRENT):
        found["query_key"] += int(_lengths(rows, kept).sum())
    sizes = np.diff(offsets) - 1
    return Counted(
        positions=int(sizes.sum()),
        pairs=int((sizes * (sizes + 1) // 2).sum()),
        kept_context=int(lengths.sum()),
        kept_bigram=int(next_counts.sum()),
        row_length=float(lengths.astype(float) @ next_counts) / max(1, int(next_counts.sum())),
        seconds=seconds,
        **found,
    )


def _lengths(rows: SparseRows, kept: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Count the entries of each row whose tokens are kept."""
    if kept is None:
        return np.diff(rows.offsets)
    ends = np.concatenate([[0], np.cumsum(kept[rows.columns])])[rows.offsets]
    return np.where(kept[rows.keys], np.diff(ends), 0)


def _columns(rows: SparseRows, kept: NDArray[np.bool_] | None) -> NDArray[np.int32]:
    """Give the column of each entry whose tokens are kept."""
    if kept is None:
        return rows.columns
    stays = np.repeat(kept[rows.keys], np.diff(rows.offsets)) & kept[rows.columns]
    return rows.columns[stays]


def halves(tokens: Tokens, offsets: Offsets) -> Sequence[tuple[Tokens, Offsets]]:
    """Cut windows in two, as two tasks would have them."""
    middle = int(np.searchsorted(offsets, offsets[-1] / 2))
    cuts = np.unique([0, middle, len(offsets) - 1])
    return [_windows(tokens, offsets, int(first), int(last)) for first, last in pairwise(cuts)]
