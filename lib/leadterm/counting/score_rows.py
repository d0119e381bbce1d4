"""The scores that attention looks up: a sparse matrix, and a row of it laid out by columns.

Searching a sparse row for a column is slow, so a row is laid out once for all positions that need it, in one of two
ways. Either it is *written* out in full, and wiped in the end: of its scores many are wanted, and each is one look-up
away. Or it is *noted* where each entry stands, in the slot of its column, as a number that counts on from row to row:
what an earlier row noted is below the first number of this one and need not be wiped (the sparse set of Briggs and
Torczon). An entry takes one write of 4 bytes then instead of two of 8, but a score two look-ups. One row fits the
caches. A table of the rows that are asked for most does not: reading from it was slower.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.jit import inlined, prefetch

EMPTY = np.nan
"""What a place holds that the sparse row says nothing of; a sum that comes out as NaN touched one."""
ENTRIES_AT_ONCE, ENTRIES_AHEAD = 16, 512
"""Of a row that is laid out: their columns fill a cache line, their values two. The processor reads ahead by itself,
but not past the end of a page, and a page holds few: 512 values."""
LAST_NUMBER = 2**32 - 1
"""In a slot, a uint32; then all begin anew. 0 is no entry's."""
NO_ROW = -1
"""Instead of a row's number."""
MATRIX = (
    "Tuple((Array(int32, 1, 'C', readonly=True), Array(float64, 1, 'C', readonly=True), "
    "int64[::1], int64[::1], int64[::1]))"
)
"""The arrays of score rows, as kernels take them."""


@dataclass(frozen=True, eq=False)
class ScoreRows:
    """The rows of a sparse matrix (V, V) wherever they lie, such as in a file that is mapped into memory.

    Attributes
    ----------
    columns, values
        int32 and float64: in them lie the rows, columns ascending.
    first_columns, first_values, lengths
        int64 (V,): where the columns and the values of a row begin, and how many there are.
    """

    columns: NDArray[np.int32]
    values: NDArray[np.float64]
    first_columns: NDArray[np.int64]
    first_values: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of_csr(cls, offsets: NDArray[np.int64], columns: NDArray[np.int32], values: NDArray[np.float64]) -> "ScoreRows":
        """Take rows that lie end to end: row r is ``offsets[r]:offsets[r + 1]``."""
        return cls(columns, values, offsets[:-1].copy(), offsets[:-1].copy(), np.diff(offsets))

    @property
    def arrays(
        self,
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """All arrays, in the order that kernels take them."""
        return self.columns, self.values, self.first_columns, self.first_values, self.lengths

    def row(self, number: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Give the columns and the values of a row."""
        column, value, length = self.first_columns[number], self.first_values[number], self.lengths[number]
        return self.columns[column : column + length], self.values[value : value + length]


@dataclass(frozen=True, eq=False)
class Scores:
    """The score of a context token before a next token, G [NEXT x CONTEXT], and in what units to add it up.

    Attributes
    ----------
    matrix
        The scores. Every pair of a kept next and a kept context token that occurs must be there.
    kept
        bool (V,): tokens that have a row and a column. The score of a context token that is not kept is 0.
    without_row
        float64 (V,): the scores of the context tokens before a next token that is not kept.
    row_bits
        int32 (V,): row a of the query-key matrix is summed in units of 2^-row_bits[a].
    position_bits
        The position bias is summed in units of 2^-position_bits.
    """

    matrix: ScoreRows
    kept: NDArray[np.bool_]
    without_row: NDArray[np.float64]
    row_bits: NDArray[np.int32]
    position_bits: int

    @property
    def empty_row(self) -> NDArray[np.float64]:
        """A row of no entry: float64 (V,), EMPTY where there may be one."""
        return np.where(self.kept, EMPTY, 0.0)


@inlined
def lay_out(target, matrix, row, entry, last):  # type: ignore[no-untyped-def]  # numba infers the types
    """Put what ``entry`` gives of each entry of a row at its column of ``target``; numbers count on from ``last``."""
    columns, values, first_columns, first_values, lengths = matrix
    column, value, n_entries = first_columns[row], first_values[row], lengths[row]
    middle = n_entries // ENTRIES_AT_ONCE * ENTRIES_AT_ONCE
    for begin in range(0, middle, ENTRIES_AT_ONCE):
        prefetch(columns, column + begin + ENTRIES_AHEAD)
        prefetch(values, value + begin + ENTRIES_AHEAD)
        prefetch(values, value + begin + ENTRIES_AHEAD + ENTRIES_AT_ONCE // 2)
        for e in range(begin, begin + ENTRIES_AT_ONCE):  # Unsigned below: no code for negative indices.
            target[np.uint32(columns[column + e])] = entry(values, value + e, last + 1 + e)
    for e in range(middle, n_entries):
        target[np.uint32(columns[column + e])] = entry(values, value + e, last + 1 + e)


@inlined
def its_value(values, place, number):  # type: ignore[no-untyped-def]  # numba infers the types
    """Give the value of an entry."""
    return values[place]


@inlined
def its_number(values, place, number):  # type: ignore[no-untyped-def]  # numba infers the types
    """Give the number of an entry."""
    return number


@inlined
def write_row(dense, matrix, row):  # type: ignore[no-untyped-def]  # numba infers the types
    """Write a row into ``dense``, a row of no entry."""
    lay_out(dense, matrix, row, its_value, 0)


@inlined
def wipe_row(dense, matrix, row):  # type: ignore[no-untyped-def]  # numba infers the types
    """Make ``dense`` a row of no entry again."""
    columns, first_columns, lengths = matrix[0], matrix[2], matrix[4]
    for e in range(first_columns[row], first_columns[row] + lengths[row]):
        dense[np.uint32(columns[e])] = EMPTY


@inlined
def rewrite_row(dense, matrix, written, row):  # type: ignore[no-untyped-def]  # numba infers the types
    """Write another row than the one that was written, if any; NO_ROW leaves a row of no entry."""
    if written != row:
        if written != NO_ROW:
            wipe_row(dense, matrix, written)
        if row != NO_ROW:
            write_row(dense, matrix, row)
    return row


@inlined
def note_row(slots, matrix, row, last):  # type: ignore[no-untyped-def]  # numba infers the types
    """Note in the slots of a row's columns where its entries stand, counted on from ``last``; return the new last.

    ``slots`` is uint32 (V,) and 0 where ``last`` is.
    """
    n_entries = matrix[4][row]
    if last + n_entries > LAST_NUMBER:
        slots[:] = 0
        last = 0
    lay_out(slots, matrix, row, its_number, last)
    return last + n_entries


@inlined
def noted_row(slots, matrix, dense, row, last):  # type: ignore[no-untyped-def]  # numba infers the types
    """Give what :func:`noted_score` takes of the row that was noted last, up to ``last``."""
    before = last - matrix[4][row]
    return slots, matrix[1], matrix[3][row] - before - 1, before, dense


@inlined
def written_score(dense, token):  # type: ignore[no-untyped-def]  # numba infers the types
    """Give the score of a token from the row that was written."""
    return dense[np.uint32(token)]


@inlined
def noted_score(noted, token):  # type: ignore[no-untyped-def]  # numba infers the types
    """Give the score of a token from the row that was noted, or else from a row of no entry."""
    slots, values, shift, before, dense = noted
    slot = slots[np.uint32(token)]
    return values[shift + slot] if slot > before else dense[np.uint32(token)]


@inlined
def look_up(score, row, context, found):  # type: ignore[no-untyped-def]  # numba infers the types
    """Copy the scores of some tokens, as ``score`` gives them from a row; return their mean.

    It comes from four sums, none of which waits for another.
    """
    a = b = c = d = 0.0
    middle = context.size // 4 * 4
    for j in range(0, middle, 4):
        found[j] = score(row, context[j])
        found[j + 1] = score(row, context[j + 1])
        found[j + 2] = score(row, context[j + 2])
        found[j + 3] = score(row, context[j + 3])
        a += found[j]
        b += found[j + 1]
        c += found[j + 2]
        d += found[j + 3]
    for j in range(middle, context.size):
        found[j] = score(row, context[j])
        a += found[j]
    return ((a + b) + (c + d)) / context.size
