"""The scores of positions, looked up in sparse rows: the first half of counting attention.

A score matrix is too large to be dense, and looking a column up in a sparse row is slow. So the positions of a block
are grouped by the row they need: the row is written out in full once, read by all of its positions, and wiped. One row
fits the caches. A table of the rows that are asked for most does not: reading from it was slower than writing rows out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.compiling import inlined, kernel
from leadterm.counting.positions import fetch_ahead

EMPTY = np.nan
"""What a place holds that the sparse row says nothing of; a sum that comes out as NaN touched one."""
ScorePiece = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]
"""Some rows of the score matrix: row numbers, offsets, columns, values."""
PIECE = (
    "Array(int32, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), "
    "Array(int32, 1, 'C', readonly=True), Array(float64, 1, 'C', readonly=True)"
)
"""The same, as kernels take it."""


@dataclass(frozen=True)
class Scores:
    """The score of a context token before a next token, G [NEXT x CONTEXT], and in what units to add it up.

    Attributes
    ----------
    pieces
        Gives the matrix, some rows at a time, rows ascending. Every pair of a kept next and a kept context token that
        occurs must be there.
    kept
        bool (V,): tokens that have a row and a column. The score of a context token that is not kept is 0.
    without_row
        float64 (V,): the scores of the context tokens before a next token that is not kept.
    row_bits
        int32 (V,): row a of the query-key matrix is summed in units of 2^-row_bits[a].
    position_bits
        The position bias is summed in units of 2^-position_bits.
    """

    pieces: Callable[[], Iterator[ScorePiece]]
    kept: NDArray[np.bool_]
    without_row: NDArray[np.float64]
    row_bits: NDArray[np.int32]
    position_bits: int

    @property
    def empty_row(self) -> NDArray[np.float64]:
        """A row of no entry: float64 (V,), EMPTY where there may be one."""
        return np.where(self.kept, EMPTY, 0.0)


@kernel("Tuple((int64[::1], int32[::1]))(int32[::1], int64)")
def group_by(numbers, n_groups):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Sort the places of ``numbers`` by the numbers there: a stable counting sort.

    Returns ``bounds`` int64 (n_groups + 1,) and ``order`` int32 (numbers,): number r stands at the places
    ``order[bounds[r]:bounds[r + 1]]``, ascending.
    """
    bounds = np.zeros(n_groups + 1, dtype=np.int64)
    for number in numbers:
        bounds[number + 1] += 1
    for group in range(n_groups):
        bounds[group + 1] += bounds[group]
    place = bounds[:-1].copy()
    order = np.empty(numbers.size, dtype=np.int32)
    for i in range(numbers.size):
        order[place[numbers[i]]] = i
        place[numbers[i]] += 1
    return bounds, order


@inlined
def subtract_mean(values):  # type: ignore[no-untyped-def]  # numba infers the types
    """Subtract their mean from some numbers; it comes from four sums, which need not wait for each other."""
    a = b = c = d = 0.0
    middle = values.size // 4 * 4
    for j in range(0, middle, 4):
        a += values[j]
        b += values[j + 1]
        c += values[j + 2]
        d += values[j + 3]
    for j in range(middle, values.size):
        a += values[j]
    mean = ((a + b) + (c + d)) / values.size
    for j in range(values.size):
        values[j] -= mean


@kernel(
    "void(int32[::1], int32[::1], int32[::1], int64[::1], int64[::1], "
    f"{PIECE}, float64[::1], Array(float64, 1, 'C', readonly=True), float64[::1])"
)
def gather_scores(  # type: ignore[no-untyped-def]
    tokens, starts, positions, places, bounds, rows, row_offsets, columns, values, dense, source, gathered
):
    """Look up the scores of the context tokens of some positions, less their mean at each position.

    ``positions``, whose windows begin at ``starts``, are grouped by next token: those of row r are
    ``positions[bounds[r]:bounds[r + 1]]``. The scores of the k-th one begin at ``gathered[places[k]]``; all are NaN
    where one is missing. Only positions whose next token is among ``rows`` are served. Each of these rows is written
    into ``dense``, a row of no entry, and wiped again; its positions read from ``source``, which is ``dense`` itself
    or, for rows of no entry, another vector.
    """
    for r in range(rows.size):
        row = rows[r]
        if bounds[row] == bounds[row + 1]:
            continue
        for e in range(row_offsets[r], row_offsets[r + 1]):
            dense[np.uint32(columns[e])] = values[e]
        for k in range(bounds[row], bounds[row + 1]):
            fetch_ahead(tokens, starts, positions, k)
            context = tokens[starts[k] : positions[k] + 1]
            found = gathered[places[k] : places[k] + context.size]
            for j in range(context.size):
                found[j] = source[np.uint32(context[j])]  # Unsigned, so that no code is made for negative indices.
            subtract_mean(found)
        for e in range(row_offsets[r], row_offsets[r + 1]):
            dense[np.uint32(columns[e])] = EMPTY
