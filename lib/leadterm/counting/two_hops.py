"""Counts what the next order of the predicted weights needs: contexts over two hops, and contexts of current tokens."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leadterm.catalog.products import Statistic
from leadterm.counting.accumulator import empty_scratch
from leadterm.counting.cooccurrence import count_contexts
from leadterm.counting.fixed_point import INT64_MAX, reciprocal_weights
from leadterm.counting.positions import CURRENT, NEXT, group_positions
from leadterm.counting.sparse_rows import SparseRows
from leadterm.counting.two_hop_kernels import WORKING_BITS, two_hop_rows
from leadterm.counting.validation import check_windows
from leadterm.errors import CountOverflowError


def count_two_hops(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    vocabulary_size: int,
    length: int,
    scale_bits: int,
    capacity: int,
) -> Iterator[tuple[Statistic, SparseRows]]:
    """Count the two-hop context map and the contexts of current tokens of some windows.

    Parameters
    ----------
    tokens
        int32 (tokens,): the windows end to end, each id in [0, V). Fewer than 2^31.
    offsets
        int64 (windows + 1,): where each window begins and the last one ends.
    vocabulary_size
        V.
    length
        T: windows have at most T + 1 tokens.
    scale_bits
        The fixed point: one unit of weight is 2^scale_bits, at most 40 bits.
    capacity
        Entries of one output batch; at least V are used.

    Yields
    ------
    (Statistic, SparseRows)
        ``TWO_HOP``, rows NEXT: sums of (1/t) (1/j + ... + 1/t) over positions t and their context tokens j. An entry
        is off by at most half a unit for each window that it has a part in. Then ``CURRENT_CONTEXT``, rows CURRENT: the
        sums of 1/t. Rows have ascending keys, each key once. They are to be used or copied before the next ones are
        asked for, which take their place.

    Raises
    ------
    InputError
        If an id or a window's length is out of range.

    Examples
    --------
    >>> windows, bounds = np.array([1, 0, 1], dtype=np.int32), np.array([0, 3])
    >>> for statistic, rows in count_two_hops(windows, bounds, 2, 2, 8, 16):
    ...     print(statistic.name, rows.keys.tolist(), rows.columns.tolist(), rows.values.tolist())
    TWO_HOP [0, 1] [1, 0, 1] [256, 64, 192]
    CURRENT_CONTEXT [0, 1] [0, 1, 1] [128, 128, 256]
    """
    check_windows(tokens, offsets, vocabulary_size, length)
    capacity = max(capacity, vocabulary_size)
    yield from _two_hops(tokens, offsets, vocabulary_size, length, scale_bits, capacity)
    weights = reciprocal_weights(length, scale_bits)
    for rows in count_contexts(tokens, offsets, vocabulary_size, weights, capacity, CURRENT):
        yield Statistic.CURRENT_CONTEXT, rows


def _two_hops(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], size: int, length: int, scale_bits: int, capacity: int
) -> Iterator[tuple[Statistic, SparseRows]]:
    """Count the two-hop context map; what it grouped is gone before the next matrix groups."""
    weights = reciprocal_weights(length, WORKING_BITS).astype(np.float64)
    inverses = 1.0 / np.arange(1, length + 1)
    bounds, order, starts = group_positions(tokens, offsets, size, NEXT)
    scratch, out, row, shift = empty_scratch(size), SparseRows.empty(size, capacity), 0, WORKING_BITS - scale_bits
    while row < size:
        row, n_rows = two_hop_rows(
            tokens, starts, bounds, order, weights, inverses, shift, *scratch, row, *out.arrays
        )  # fmt: skip
        yield Statistic.TWO_HOP, out[:n_rows]


def check_two_hops_fit(largest_count: int, length: int, scale_bits: int) -> None:
    """Refuse, before any counting, a corpus whose two-hop weights might not fit int64.

    A token that occurs n times adds at most n (H_1/1 + ... + H_T/T) units to its column, H the harmonic numbers.

    Parameters
    ----------
    largest_count
        How often the most frequent token occurs in the windows, shared tokens counted twice.
    length
        T, the largest number of positions in a window.
    scale_bits
        The fixed point of the weights.

    Raises
    ------
    CountOverflowError
        With the largest ``scale_bits`` that is safe.
    """
    inverses = 1.0 / np.arange(1, length + 1)
    heaviest = int(np.ceil(np.sum(np.cumsum(inverses) * inverses))) + 1
    safe = (INT64_MAX // max(1, largest_count * heaviest)).bit_length() - 1
    if scale_bits > safe:
        raise CountOverflowError(
            f"the most frequent token occurs {largest_count:,} times: with counting.scale_bits = {scale_bits} and "
            f"windows of {length} positions its weights over two hops might not fit 64 bits. Set counting.scale_bits "
            f"to {safe} or less, or theory.order to 1."
        )
