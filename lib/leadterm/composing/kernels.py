"""Two compiled products: sparse times sparse into a dense block, and back to the pairs that occur.

Each entry is summed in the order of the inner token's id, whatever the blocks and threads: the same bytes always.
"""

import numpy as np

from leadterm.compiling import kernel

CSR = "int64[::1], int32[::1], float64[::1]"
"""Offsets (rows + 1,), columns and values of a sparse matrix."""


@kernel("int64[::1](int64[::1], int32[::1], int64)")
def first_entries(offsets, columns, column):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Find in each row the first entry that does not lie before a column: int64 (rows,)."""
    found = np.empty(offsets.size - 1, dtype=np.int64)
    for row in range(found.size):
        first, last = offsets[row], offsets[row + 1]
        while first < last:
            middle = (first + last) // 2
            if columns[middle] < column:
                first = middle + 1
            else:
                last = middle
        found[row] = first
    return found


@kernel(
    f"void({CSR}, int64[::1], int64[::1], int32[::1], float64[::1], int64, float64[::1], float64[::1], float64[::1], "
    "float64[::1], float64[:,::1], int64, int64)"
)
def multiply_into_block(  # type: ignore[no-untyped-def]
    left_offsets, left_columns, left_values, firsts, lasts, right_columns, right_values, origin, plus_rows,
    plus_columns, minus_rows, minus_columns, block, start, stop,
):  # fmt: skip
    """Write rows start ... stop of left @ right into ``block``, whose column 0 is the right matrix's ``origin``.

    The outer products of the vectors ``plus`` and ``minus`` are added and subtracted. The entries of the right matrix's
    row c that lie in the block stand at ``firsts[c]`` ... ``lasts[c]``.
    """
    for row in range(start, stop):
        for column in range(plus_columns.size):
            block[row, column] = plus_rows[row] * plus_columns[column] - minus_rows[row] * minus_columns[column]
        for e in range(left_offsets[row], left_offsets[row + 1]):
            inner, factor = left_columns[e], left_values[e]
            for f in range(firsts[inner], lasts[inner]):
                block[row, right_columns[f] - origin] += factor * right_values[f]


@kernel("void(float64[::1], float64[::1], float64[:,::1], float64[:,::1], int64, int64)")
def add_weighted_rows(first, second, block, out, start, stop):  # type: ignore[no-untyped-def]
    """Add first' @ block and second' @ block to the rows of ``out``, columns start ... stop of them, row after row."""
    for row in range(first.size):
        if first[row] != 0.0:
            for column in range(start, stop):
                out[0, column] += first[row] * block[row, column]
                out[1, column] += second[row] * block[row, column]


@kernel(
    f"void({CSR}, int64[::1], int64[::1], int32[::1], int64, float64[:,::1], float64[::1], float64[::1], int64, int64)"
)
def multiply_at_pairs(  # type: ignore[no-untyped-def]
    left_offsets, left_columns, left_values, firsts, lasts, columns, origin, block, shift, out, start, stop
):
    """Write rows start ... stop of left @ ``block``, less ``shift`` of each column, at the pairs that occur alone.

    The pairs of row c that lie in the block stand at ``firsts[c]`` ... ``lasts[c]``, in ``columns`` and in ``out``.
    """
    for row in range(start, stop):
        for f in range(firsts[row], lasts[row]):
            out[f] = -shift[columns[f] - origin]
        for e in range(left_offsets[row], left_offsets[row + 1]):
            inner, factor = left_columns[e], left_values[e]
            for f in range(firsts[row], lasts[row]):
                out[f] += factor * block[inner, columns[f] - origin]
