"""The scores of many positions, looked up in sparse rows: the first half of counting attention.

A score matrix is too large to be dense, and looking a column up in a sparse row is slow. So the positions are grouped
by the row they need: the row is written out in full once, read by all of its positions, and wiped.
"""

import numpy as np

from leadterm.compiling import kernel

EMPTY = np.nan
"""What a place holds that the sparse row says nothing of; a sum that comes out as NaN touched one."""


@kernel("Tuple((int64[::1], int64[::1]))(int32[::1], int64)")
def group_by(numbers, n_groups):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Sort the places of ``numbers`` by the numbers there: a stable counting sort.

    Returns ``bounds`` int64 (n_groups + 1,) and ``order`` int64 (numbers,): number r stands at the places
    ``order[bounds[r]:bounds[r + 1]]``, ascending.
    """
    bounds = np.zeros(n_groups + 1, dtype=np.int64)
    for number in numbers:
        bounds[number + 1] += 1
    for group in range(n_groups):
        bounds[group + 1] += bounds[group]
    place = bounds[:-1].copy()
    order = np.empty(numbers.size, dtype=np.int64)
    for i in range(numbers.size):
        order[place[numbers[i]]] = i
        place[numbers[i]] += 1
    return bounds, order


@kernel(
    "void(int32[::1], int32[::1], int32[::1], int64[::1], int64[::1], int64[::1], "
    "Array(int32, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), "
    "Array(int32, 1, 'C', readonly=True), Array(float64, 1, 'C', readonly=True), "
    "float64[::1], Array(float64, 1, 'C', readonly=True), float64[::1], float64[::1])"
)
def gather_scores(  # type: ignore[no-untyped-def]
    tokens, starts, positions, places, bounds, order, rows, row_offsets, columns, values, dense, source, gathered, means
):
    """Look up the scores of the context tokens of some positions, and each position's mean score.

    ``positions`` are those of a block, and ``bounds`` and ``order`` group them by next token. The scores of position i
    go to ``gathered[places[i]:places[i + 1]]``. Only positions whose next token is among ``rows`` are served. Each
    of these rows is written into ``dense`` while its positions read from ``source``, which is ``dense`` itself or,
    for rows of no entry, another vector. ``dense`` is EMPTY where a row may have entries, and left so.
    """
    for r in range(rows.size):
        row = rows[r]
        if bounds[row] == bounds[row + 1]:
            continue
        for e in range(row_offsets[r], row_offsets[r + 1]):
            dense[columns[e]] = values[e]
        for k in range(bounds[row], bounds[row + 1]):
            i = order[k]
            start = starts[positions[i]]
            place, length = places[i], places[i + 1] - places[i]
            total = 0.0
            for j in range(length):
                score = source[tokens[start + j]]
                gathered[place + j] = score
                total += score
            means[i] = total / length
        for e in range(row_offsets[r], row_offsets[r + 1]):
            dense[columns[e]] = np.nan
