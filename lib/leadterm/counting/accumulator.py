"""One row of a sparse matrix while it is being summed: a dense scratch row and a flag per 64 columns.

The textbook *sparse accumulator*. Adding is one read-modify-write and one plain store, with no branch to mispredict;
reading the row out in column order looks only into the flagged blocks, so it needs no sort. A column is empty
exactly while its scratch entry is 0, because only positive numbers are ever added.
"""

import numpy as np
from numpy.typing import NDArray

from leadterm.compiling import inlined

BLOCK_BITS = 6
"""Columns per flag, as a power of two: 64 columns of int64 are 8 cache lines."""


def empty_scratch(n_columns: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Make the two arrays of an accumulator: the scratch row and the flags of its blocks."""
    n_blocks = (n_columns >> BLOCK_BITS) + 1
    return np.zeros(n_blocks << BLOCK_BITS, dtype=np.int64), np.zeros(n_blocks, dtype=np.uint8)


@inlined
def add(scratch, touched, column, value):  # type: ignore[no-untyped-def]  # numba infers the types
    """Add a positive value to a column of the row."""
    scratch[column] += value
    touched[column >> BLOCK_BITS] = 1


@inlined
def drain(scratch, touched, columns, values, filled):  # type: ignore[no-untyped-def]  # numba infers the types
    """Append the row's nonzeros to ``columns`` and ``values``, empty the row, return the new fill."""
    for block in range(touched.size):
        if touched[block]:
            touched[block] = 0
            for column in range(block << BLOCK_BITS, (block + 1) << BLOCK_BITS):
                value = scratch[column]
                if value != 0:
                    columns[filled] = column
                    values[filled] = value
                    scratch[column] = 0
                    filled += 1
    return filled
