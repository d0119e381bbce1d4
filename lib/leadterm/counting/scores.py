"""The scores that attention looks up: a sparse matrix, and a row of it written out in full.

Looking a column up in a sparse row is slow, so a row is written out once, read by all positions that need it, and
wiped. One row fits the caches. A table of the rows that are asked for most does not: reading from it was slower than
writing rows out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.compiling import inlined, prefetch

EMPTY = np.nan
"""What a place holds that the sparse row says nothing of; a sum that comes out as NaN touched one."""
ENTRIES_AT_ONCE, ENTRIES_AHEAD = 16, 512
"""Of a row that is written: their columns fill a cache line, their values two. The processor reads ahead by itself, but
not past the end of a page, and a page holds few: 512 values."""
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
def write_row(dense, matrix, row):  # type: ignore[no-untyped-def]  # numba infers the types
    """Write a row into ``dense``, a row of no entry."""
    columns, values, first_columns, first_values, lengths = matrix
    column, value, n_entries = first_columns[row], first_values[row], lengths[row]
    for begin in range(0, n_entries, ENTRIES_AT_ONCE):
        prefetch(columns, column + begin + ENTRIES_AHEAD)
        prefetch(values, value + begin + ENTRIES_AHEAD)
        prefetch(values, value + begin + ENTRIES_AHEAD + ENTRIES_AT_ONCE // 2)
        for e in range(begin, min(begin + ENTRIES_AT_ONCE, n_entries)):
            dense[np.uint32(columns[column + e])] = values[value + e]  # Unsigned: no code for negative indices.


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
def look_up(source, context, found):  # type: ignore[no-untyped-def]  # numba infers the types
    """Copy the scores of some tokens from a row; their mean comes from four sums, none of which waits for another."""
    a = b = c = d = 0.0
    middle = context.size // 4 * 4
    for j in range(0, middle, 4):
        found[j] = source[np.uint32(context[j])]
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
