"""The positions of a unit of windows, grouped by the token that names their matrix row.

A *unit* is as many windows as fit the memory of a task. Position i of a unit is the i-th token of its flat
token array, where that token has a successor in its window: x_t = tokens[i] and y_t = tokens[i + 1].
"""

import numpy as np
from numpy.typing import NDArray

from leadterm.jit import INTS_PER_LINE, inlined, kernel, prefetch

CURRENT, NEXT = 0, 1
"""Which token names the row: the one at the position, or the one that follows."""
AHEAD = 4
"""Positions between asking for a context and reading it."""
FAR_AHEAD = 16
"""The same where only the position's own token is read."""


@inlined
def fetch_tokens(tokens, first, last):  # type: ignore[no-untyped-def]  # numba infers the types
    """Ask for some tokens."""
    for i in range(first, last, INTS_PER_LINE):
        prefetch(tokens, i)


@inlined
def fetch_ahead(tokens, starts, order, k):  # type: ignore[no-untyped-def]  # numba infers the types
    """Ask for the context of a position soon to come: it lies somewhere in memory, and waiting for it costs most."""
    if k + AHEAD < order.size:
        fetch_tokens(tokens, starts[k + AHEAD], order[k + AHEAD] + 1)


@inlined
def fetch_token(tokens, order, k):  # type: ignore[no-untyped-def]  # numba infers the types
    """Ask for the token at a position soon to come, where no more of its context is read."""
    prefetch(tokens, order[min(k + FAR_AHEAD, order.size - 1)])


@kernel("void(int32[::1], int64[::1], int64, int64[::1])")
def bound_groups(tokens, offsets, shift, bounds):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Enter in ``bounds``, which is 0, where the positions of each token begin when they are sorted by it."""
    for window in range(offsets.size - 1):
        for i in range(offsets[window], offsets[window + 1] - 1):
            bounds[np.uint32(tokens[i + shift] + 1)] += 1
    for row in range(bounds.size - 1):
        bounds[row + 1] += bounds[row]


@kernel("void(int32[::1], int64[::1], int64, int64[::1], int32[::1], int32[::1])")
def place_positions(tokens, offsets, shift, place, order, starts):  # type: ignore[no-untyped-def]
    """Write each position, and its window's start, to the next ``place`` of its token."""
    for window in range(offsets.size - 1):
        for i in range(offsets[window], offsets[window + 1] - 1):
            row = np.uint32(tokens[i + shift])
            order[place[row]] = i
            starts[place[row]] = offsets[window]
            place[row] += 1


@kernel("void(int32[::1], int64[::1], int64[::1], int32[::1])")
def place_followers(tokens, offsets, place, followers):  # type: ignore[no-untyped-def]
    """Write each next token to the next ``place`` of the current one."""
    for window in range(offsets.size - 1):
        for i in range(offsets[window], offsets[window + 1] - 1):
            row = np.uint32(tokens[i])
            followers[place[row]] = tokens[i + 1]
            place[row] += 1


@kernel("void(int32[::1], int32[::1], int32[::1], int64[::1], int32[::1], int32[::1])")
def replace_positions(tokens, order, starts, place, new_order, new_starts):  # type: ignore[no-untyped-def]
    """Write each of some positions, and its window's start, to the next ``place`` of its current token."""
    for k in range(order.size):
        fetch_token(tokens, order, k)
        row = np.uint32(tokens[order[k]])
        new_order[place[row]], new_starts[place[row]] = order[k], starts[k]
        place[row] += 1


def group_positions(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary_size: int, shift: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Sort the positions by the token ``shift`` places on: a stable counting sort.

    Returns ``bounds`` int64 (V + 1,), ``order`` int32 (positions,) and ``starts`` int32 (positions,): the positions of
    row r are ``order[bounds[r]:bounds[r + 1]]``, ascending, and the window of ``order[k]`` begins at ``starts[k]``. So
    kernels read what they know of a position one after the other.
    """
    bounds = _bounds(tokens, offsets, vocabulary_size, shift)
    order, starts = _unsorted(bounds), _unsorted(bounds)
    place_positions(tokens, offsets, shift, bounds[:-1].copy(), order, starts)
    return bounds, order, starts


def group_followers(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary_size: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Sort the next tokens by the current token: a counting sort, of which nothing but the tokens is kept.

    Returns ``bounds`` int64 (V + 1,) and ``followers`` int32 (positions,): what comes after token x is
    ``followers[bounds[x]:bounds[x + 1]]``.
    """
    bounds = _bounds(tokens, offsets, vocabulary_size, CURRENT)
    followers = _unsorted(bounds)
    place_followers(tokens, offsets, bounds[:-1].copy(), followers)
    return bounds, followers


def regroup_by_current(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    order: NDArray[np.int32],
    starts: NDArray[np.int32],
    vocabulary_size: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Sort grouped positions by current token, again a stable counting sort: the groups become order within a group.

    Returns what :func:`group_positions` does.
    """
    bounds = _bounds(tokens, offsets, vocabulary_size, CURRENT)
    new_order, new_starts = _unsorted(bounds), _unsorted(bounds)
    replace_positions(tokens, order, starts, bounds[:-1].copy(), new_order, new_starts)
    return bounds, new_order, new_starts


def _bounds(
    tokens: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary_size: int, shift: int
) -> NDArray[np.int64]:
    """Say where the positions of each token begin."""
    bounds = np.zeros(vocabulary_size + 1, dtype=np.int64)
    bound_groups(tokens, offsets, shift, bounds)
    return bounds


def _unsorted(bounds: NDArray[np.int64]) -> NDArray[np.int32]:
    """Make room for as many numbers as there are positions: NumPy asks for large pages, and sorting writes all over."""
    return np.empty(bounds[-1], dtype=np.int32)


@kernel("void(int32[::1], int64[::1], int64[::1], int64[::1])")
def add_context_frequency(tokens, offsets, prefix, context):  # type: ignore[no-untyped-def]
    """Add a unit's share of the context frequency to ``context``, int64 (V,).

    The weight of the token at place j of a window with n positions is the sum of the weights of the positions
    j ... n whose context it is in, a difference of two sums ``prefix`` (T + 1,) of the first weights: O(1) a token.
    """
    for window in range(offsets.size - 1):
        start = offsets[window]
        n_positions = offsets[window + 1] - start - 1
        for j in range(n_positions):
            context[np.uint32(tokens[start + j])] += prefix[n_positions] - prefix[j]
