"""The scores of positions, looked up in sparse rows: the first half of counting attention.

A score matrix is too large to be dense, and looking a column up in a sparse row is slow. So the positions of a block
are grouped by the row they need: the row is written out in full once, read by all of its positions, and wiped. One row
fits the caches. A table of the rows that are asked for most does not: reading from it was slower than writing rows out.
So was, for rows with far more entries than their positions ask for, a search by halves (40 ns a score: what it looks at
is in no cache), and no faster was it to write out only the entries that are wanted.
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


@kernel("int64(int32[::1], int32[::1], int64, int64, int64)")
def block_end(order, starts, first, most_places, most_positions):  # type: ignore[no-untyped-def]  # types stand above
    """Say where the block of grouped positions ends that begins with the ``first``: before the one that has no room.

    A position takes a place for the score of each token in its context, and one for their mean.
    """
    places = 0
    for k in range(first, min(order.size, first + most_positions)):
        places += order[k] - starts[k] + 2
        if places > most_places:
            return k
    return min(order.size, first + most_positions)


@kernel(
    "Tuple((int64[::1], int64[::1], int32[::1], int32[::1], int64[::1]))(int32[::1], int32[::1], int32[::1], int64)"
)
def group_by_next(tokens, starts, positions, size):  # type: ignore[no-untyped-def]
    """Sort positions, whose windows begin at ``starts``, by their next token: a stable counting sort.

    Returns ``bounds`` and ``begins``, int64 (V + 1,): the positions before next token y, and the places of their means
    and scores, begin there; ``starts`` and ``positions`` in this order, int32 (positions,); and ``places``
    int64 (positions,): where those of each position begin, in the order in which they were given.
    """
    bounds, begins = np.zeros(size + 1, dtype=np.int64), np.zeros(size + 1, dtype=np.int64)
    for i in range(positions.size):
        after = tokens[positions[i] + 1] + 1
        bounds[after] += 1
        begins[after] += positions[i] - starts[i] + 2
    for y in range(size):
        bounds[y + 1] += bounds[y]
        begins[y + 1] += begins[y]
    rank, place = bounds[:-1].copy(), begins[:-1].copy()
    in_order = np.empty((2, positions.size), dtype=np.int32)
    places = np.empty(positions.size, dtype=np.int64)
    for i in range(positions.size):
        y = tokens[positions[i] + 1]
        in_order[0, rank[y]], in_order[1, rank[y]] = starts[i], positions[i]
        places[i] = place[y]
        rank[y] += 1
        place[y] += positions[i] - starts[i] + 2
    return bounds, begins, in_order[0], in_order[1], places


@inlined
def look_up(source, context, found):  # type: ignore[no-untyped-def]  # numba infers the types
    """Copy the scores of some tokens from a row; their mean comes from four sums, none of which waits for another."""
    a = b = c = d = 0.0
    middle = context.size // 4 * 4
    for j in range(0, middle, 4):
        found[j] = source[np.uint32(context[j])]  # Unsigned, so that no code is made for negative indices.
        found[j + 1] = source[np.uint32(context[j + 1])]
        found[j + 2] = source[np.uint32(context[j + 2])]
        found[j + 3] = source[np.uint32(context[j + 3])]
        a += found[j]
        b += found[j + 1]
        c += found[j + 2]
        d += found[j + 3]
    for j in range(middle, context.size):
        found[j] = source[np.uint32(context[j])]
        a += found[j]
    return ((a + b) + (c + d)) / context.size


@kernel(
    "void(int32[::1], int64[::1], int64[::1], int32[::1], int32[::1], "
    f"{PIECE}, float64[::1], Array(float64, 1, 'C', readonly=True), float64[::1])"
)
def gather_scores(  # type: ignore[no-untyped-def]
    tokens, bounds, begins, starts, positions, rows, row_offsets, columns, values, dense, source, gathered
):
    """Look up the scores of the context tokens of some positions.

    ``positions``, whose windows begin at ``starts``, are grouped by next token: those of row r are
    ``positions[bounds[r]:bounds[r + 1]]``. From ``gathered[begins[r]]`` on stand, for each of them, the mean and the
    scores; the mean is NaN where a score is missing. Only positions whose next token is among ``rows`` are served. Each
    of these rows is written into ``dense``, a row of no entry, and wiped again; its positions read from ``source``,
    which is ``dense`` itself or, for rows of no entry, another vector.
    """
    for r in range(rows.size):
        row = rows[r]
        if bounds[row] == bounds[row + 1]:
            continue
        for e in range(row_offsets[r], row_offsets[r + 1]):
            dense[np.uint32(columns[e])] = values[e]
        place = begins[row]
        for k in range(bounds[row], bounds[row + 1]):
            fetch_ahead(tokens, starts, positions, k)
            context = tokens[starts[k] : positions[k] + 1]
            gathered[place] = look_up(source, context, gathered[place + 1 : place + 1 + context.size])
            place += context.size + 1
        for e in range(row_offsets[r], row_offsets[r + 1]):
            dense[np.uint32(columns[e])] = EMPTY
