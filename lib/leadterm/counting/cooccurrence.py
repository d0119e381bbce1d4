"""Counts one unit of windows: the pure function that executors, tests and notebooks share."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leadterm.catalog.products import Statistic
from leadterm.counting.accumulator import empty_scratch
from leadterm.counting.cooccurrence_kernels import bigram_rows, context_rows
from leadterm.counting.positions import NEXT, add_context_frequency, group_followers, group_positions
from leadterm.counting.sparse_rows import SparseRows
from leadterm.counting.validation import check_windows

ROW_BITS = 32
"""Bits of a key that hold the row number; the statistic stands above them."""


def row_key(statistic: Statistic, row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join a statistic and its row numbers to one sortable int64 key."""
    return (np.int64(statistic) << np.int64(ROW_BITS)) | row


def count_unit(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    vocabulary_size: int,
    weights: NDArray[np.int64],
    capacity: int,
) -> Iterator[tuple[Statistic, SparseRows]]:
    """Count bigrams, context weights and both frequency vectors of some windows.

    Parameters
    ----------
    tokens
        int32 (tokens,): the windows end to end, each id in [0, V). Fewer than 2^31.
    offsets
        int64 (windows + 1,): where each window begins and the last one ends.
    vocabulary_size
        V.
    weights
        int64 (T,): the fixed-point weight of a context token at position t is ``weights[t - 1]``.
    capacity
        Entries of one output batch; at least V are used.

    Yields
    ------
    (Statistic, SparseRows)
        Rows with ascending keys, each key once; the two frequency vectors as one row each, with key 0. They are to be
        used or copied before the next ones are asked for, which take their place: new memory costs more than counting.

    Raises
    ------
    InputError
        If an id or a window's length is out of range.

    Examples
    --------
    >>> from leadterm.counting.fixed_point import reciprocal_weights
    >>> windows, bounds = np.array([1, 0, 1], dtype=np.int32), np.array([0, 3])
    >>> for statistic, rows in count_unit(windows, bounds, 2, reciprocal_weights(2, 8), 16):
    ...     print(statistic.name, rows.keys.tolist(), rows.columns.tolist(), rows.values.tolist())
    BIGRAM [0, 1] [1, 0] [1, 1]
    CONTEXT [0, 1] [1, 0, 1] [256, 128, 128]
    CURRENT_FREQUENCY [0] [0, 1] [1, 1]
    CONTEXT_FREQUENCY [0] [0, 1] [128, 384]
    """
    check_windows(tokens, offsets, vocabulary_size, len(weights))
    capacity = max(capacity, vocabulary_size)
    current, context = np.zeros((2, vocabulary_size), dtype=np.int64)
    # One matrix after the other, each in a function of its own: what it grouped is gone before the next one groups.
    yield from _bigram(tokens, offsets, capacity, current)
    yield from _context(tokens, offsets, vocabulary_size, weights, capacity)
    add_context_frequency(tokens, offsets, np.concatenate([[0], np.cumsum(weights)]), context)
    yield Statistic.CURRENT_FREQUENCY, dense_row(current)
    yield Statistic.CONTEXT_FREQUENCY, dense_row(context)


def _bigram(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], capacity: int, current: NDArray[np.int64]
) -> Iterator[tuple[Statistic, SparseRows]]:
    """Count bigrams; in ``current`` is entered how many begin with each token, which is its frequency."""
    size = len(current)
    bounds, followers = group_followers(tokens, offsets, size)
    scratch, out, row = empty_scratch(size), SparseRows.empty(size, capacity), 0
    while row < size:
        row, n_rows = bigram_rows(followers, bounds, *scratch, row, *out.arrays)
        yield Statistic.BIGRAM, out[:n_rows]
    current[:] = np.diff(bounds)


def _context(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], size: int, weights: NDArray[np.int64], capacity: int
) -> Iterator[tuple[Statistic, SparseRows]]:
    """Count context weights."""
    for rows in count_contexts(tokens, offsets, size, weights, capacity, NEXT):
        yield Statistic.CONTEXT, rows


def count_contexts(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    size: int,
    weights: NDArray[np.int64],
    capacity: int,
    grouped_by: int,
) -> Iterator[SparseRows]:
    """Sum the weights of the tokens in the contexts of each current (``CURRENT``) or next token (``NEXT``).

    Grouped by the current token, the pairs are those of the query-key matrix.
    """
    bounds, order, starts = group_positions(tokens, offsets, size, grouped_by)
    scratch, out, row = empty_scratch(size), SparseRows.empty(size, capacity), 0
    while row < size:
        row, n_rows = context_rows(tokens, starts, bounds, order, weights, *scratch, row, *out.arrays)
        yield out[:n_rows]


def dense_row(vector: NDArray[np.int64]) -> SparseRows:
    """Write a vector as a single sparse row with key 0."""
    columns = np.flatnonzero(vector).astype(np.int32)
    return SparseRows(
        np.zeros(1, dtype=np.int64), np.array([0, len(columns)], dtype=np.int64), columns, vector[columns]
    )
