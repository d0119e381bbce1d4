"""Counts pairs of tokens at exact distances: how often a token stands m places before another in a window.

A pair lies within a window; both tokens may be any of its n + 1. So at distance 1 the pairs are the bigrams.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from leadterm.counting.accumulator import empty_scratch
from leadterm.counting.cooccurrence_kernels import bigram_rows
from leadterm.counting.sparse_rows import SparseRows
from leadterm.counting.validation import check_windows
from leadterm.jit import kernel


@kernel("void(int32[::1], int64[::1], int64, int64[::1])")
def bound_pairs(tokens, offsets, distance, bounds):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Enter in ``bounds``, which is 0, where the pairs of each first token begin when they are sorted by it."""
    for window in range(offsets.size - 1):
        for i in range(offsets[window], offsets[window + 1] - distance):
            bounds[np.uint32(tokens[i] + 1)] += 1
    for row in range(bounds.size - 1):
        bounds[row + 1] += bounds[row]


@kernel("void(int32[::1], int64[::1], int64, int64[::1], int32[::1])")
def place_pairs(tokens, offsets, distance, place, later):  # type: ignore[no-untyped-def]
    """Write the second token of each pair to the next ``place`` of the first."""
    for window in range(offsets.size - 1):
        for i in range(offsets[window], offsets[window + 1] - distance):
            row = np.uint32(tokens[i])
            later[place[row]] = tokens[i + distance]
            place[row] += 1


def count_distances(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    vocabulary_size: int,
    distances: Sequence[int],
    longest: int,
    capacity: int,
) -> Iterator[tuple[int, SparseRows]]:
    """Count the pairs (x_{t-m}, x_t) of some windows for each distance m.

    Parameters
    ----------
    tokens
        int32 (tokens,): the windows end to end, each id in [0, V). Fewer than 2^31.
    offsets
        int64 (windows + 1,): where each window begins and the last one ends.
    vocabulary_size
        V.
    distances
        The distances m, in tokens, each at least 1.
    longest
        T: windows have at most T + 1 tokens.
    capacity
        Entries of one output batch; at least V are used.

    Yields
    ------
    (int, SparseRows)
        The number of the distance in the list, ascending, and rows with ascending keys, which are first tokens. They
        are to be used or copied before the next ones are asked for, which take their place.

    Raises
    ------
    InputError
        If an id or a window's length is out of range.

    Examples
    --------
    >>> windows, bounds = np.array([1, 0, 1, 1], dtype=np.int32), np.array([0, 4])
    >>> for number, rows in count_distances(windows, bounds, 2, [1, 2], 3, 16):
    ...     print(number, rows.keys.tolist(), rows.columns.tolist(), rows.values.tolist())
    0 [0, 1] [1, 0, 1] [1, 1, 1]
    1 [0, 1] [1, 1] [1, 1]
    """
    check_windows(tokens, offsets, vocabulary_size, longest)
    scratch = empty_scratch(vocabulary_size)
    out = SparseRows.empty(vocabulary_size, max(capacity, vocabulary_size))
    for number, distance in enumerate(distances):
        bounds, later = _group(tokens, offsets, vocabulary_size, distance)
        row = 0
        while row < vocabulary_size:
            row, n_rows = bigram_rows(later, bounds, *scratch, row, *out.arrays)
            yield number, out[:n_rows]


def _group(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary_size: int, distance: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Sort the second tokens of all pairs by the first: bounds int64 (V + 1,), and these int32 (pairs,)."""
    bounds = np.zeros(vocabulary_size + 1, dtype=np.int64)
    bound_pairs(tokens, offsets, distance, bounds)
    later = np.empty(bounds[-1], dtype=np.int32)
    place_pairs(tokens, offsets, distance, bounds[:-1].copy(), later)
    return bounds, later
