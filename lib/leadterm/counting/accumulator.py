"""One row of a sparse matrix while it is being summed: a dense scratch row and a bit per column.

The textbook *sparse accumulator*. Adding is two read-modify-writes with no branch to mispredict; reading the row out in
column order goes from one bit that is set to the next, so it needs no sort and looks at no other column. A column is
empty exactly while its scratch entry is 0; where values may be negative, a sum of 0 leaves no entry.

A row to which much is added is *full*: it needs no bits. Its scratch row is looked through once, 64 columns at a time,
which costs less than a bit for each addition.
"""

import numpy as np
from numpy.typing import NDArray

from leadterm.counting.sparse_rows import SparseRows
from leadterm.jit import inlined, nonzero_bits, trailing_zeros

WORD_BITS = 6
"""Bits of a word, as a power of two."""
BIT = (1 << WORD_BITS) - 1
"""Which bit of its word is a column's."""
COLUMNS_PER_ADDITION = 8
"""A row of V / 8 additions is full: looking through 8 columns costs as much as a bit."""


def empty_scratch(n_columns: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Make the two arrays of an accumulator: the scratch row and its bits, both up to the end of a word."""
    scratches, touched = empty_scratches(1, n_columns)
    return scratches[0], touched[0]


def empty_scratches(n_rows: int, n_columns: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Make the two arrays of several accumulators: a scratch row each, and its bits."""
    n_words = -(-n_columns >> WORD_BITS)
    return np.zeros((n_rows, n_words << WORD_BITS), dtype=np.int64), np.zeros((n_rows, n_words), dtype=np.uint64)


def last_row(key: int, scratch: NDArray[np.int64], touched: NDArray[np.uint64], is_full: bool) -> SparseRows:
    """Read the row of a key out when all is added, and empty it: one row, or none if it has no entry."""
    out = SparseRows.empty(1, len(scratch))
    out.keys[0] = key
    out.offsets[1] = drain(scratch, touched, is_full, out.columns, out.values, 0)
    return out[: int(out.n_nonzeros > 0)]


@inlined
def fills(n_additions, n_columns):  # type: ignore[no-untyped-def]  # numba infers the types
    """Say whether a row with this many additions is taken as full."""
    return COLUMNS_PER_ADDITION * n_additions >= n_columns


@inlined
def add(scratch, touched, is_full, column, value):  # type: ignore[no-untyped-def]  # numba infers the types
    """Add a value to a column of the row."""
    place = np.uint32(column)  # Unsigned, so that no code is made for negative indices.
    scratch[place] += value
    if not is_full:
        touched[place >> np.uint32(WORD_BITS)] |= np.uint64(1) << np.uint64(place & np.uint32(BIT))


@inlined
def drain(scratch, touched, is_full, columns, values, filled):  # type: ignore[no-untyped-def]  # numba infers the types
    """Append the row's nonzeros to ``columns`` and ``values``, empty the row, return the new fill."""
    for word in range(touched.size):
        left = nonzero_bits(scratch, word << WORD_BITS) if is_full else touched[word]
        touched[word] = 0
        while left != 0:
            column = np.uint64(word << WORD_BITS) + trailing_zeros(left)
            left &= left - np.uint64(1)
            columns[filled] = column
            values[filled] = scratch[column]
            filled += scratch[column] != 0
            scratch[column] = 0
    return filled


@inlined
def close_row(key, scratch, touched, is_full, keys, offsets, columns, values, n_rows, filled):  # type: ignore[no-untyped-def]
    """Append the row of a key, unless it is empty; return the new number of rows and the new fill."""
    before = filled
    filled = drain(scratch, touched, is_full, columns, values, filled)
    if filled > before:
        keys[n_rows] = key
        n_rows += 1
        offsets[n_rows] = filled
    return n_rows, filled
