"""Compiled products for a strip of context tokens: sparse times sparse into a dense strip, and back to the pairs.

Both go through the (current, next) pairs of the bigram in order of the current token, and do for each one what the row
of its next token in the context map asks for. Where that row has entries for a good part of the strip, it is laid out
dense: a product then costs a fraction of a nanosecond, because eight are done at once and no column is looked up. An
entry is summed in the order of the inner token's id either way, since a zero more changes no sum, whatever the strips
and threads: the same bytes always.

Each pair asks for another row, and most rows lie in memory: without asking ahead each one costs more than its products.
"""

import numpy as np

from leadterm.jit import FLOATS_PER_LINE, INTS_PER_LINE, inlined, kernel, prefetch

CSR = "int64[::1], int32[::1], float64[::1]"
"""Offsets (rows + 1,), columns and values of a sparse matrix."""
STRIP = "int64[::1], int64[::1], int32[::1], int64, int32[::1], float64[:,::1]"
"""The part of the context map in a strip, whose first column is ``origin``: row c has the entries ``firsts[c]`` ...
``lasts[c]``; if it has a place, it also stands dense in ``dense[places[c]]``."""
SPARSE = -1
"""The place of a row that is not laid out dense."""
ROWS_AHEAD = 4
"""So far ahead the row of a pair is asked for."""
COLUMNS_AHEAD = 64
"""Of a dense row, eight cache lines; once these are read, the processor asks for the next ones by itself."""


@kernel("int64[::1](int64[::1], int32[::1], int64)", allocates=True)
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


@kernel("int64(int64[::1], int64[::1], int64, int32[::1])")
def place_rows(firsts, lasts, least, places):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Give rows of at least this many entries a place among the dense ones; returns their number."""
    n_dense = 0
    for row in range(places.size):
        places[row] = SPARSE
        if lasts[row] - firsts[row] >= least:
            places[row] = n_dense
            n_dense += 1
    return n_dense


@kernel(f"void({STRIP}, float64[::1])")
def lay_out(firsts, lasts, columns, origin, places, dense, values):  # type: ignore[no-untyped-def]
    """Write the values of the rows that have a place out dense."""
    for row in range(places.size):
        if places[row] != SPARSE:
            line = dense[places[row]]
            line[:] = 0.0
            for f in range(firsts[row], lasts[row]):
                line[columns[f] - origin] = values[f]


@inlined
def fetch_row(  # type: ignore[no-untyped-def]  # numba infers the types
    next_tokens, e, firsts, lasts, columns, places, dense, entries
):
    """Ask for the row of a pair soon to come: dense, or its columns and what ``entries`` holds of them."""
    if e + ROWS_AHEAD >= next_tokens.size:
        return
    row = next_tokens[e + ROWS_AHEAD]
    if places[row] != SPARSE:
        line = dense[places[row]]
        for column in range(0, min(line.size, COLUMNS_AHEAD), FLOATS_PER_LINE):
            prefetch(line, column)
    else:
        for f in range(firsts[row], lasts[row], INTS_PER_LINE):
            prefetch(columns, f)
            prefetch(entries, f)
            prefetch(entries, f + FLOATS_PER_LINE)


@inlined
def add_multiple(target, factor, source):  # type: ignore[no-untyped-def]  # numba infers the types
    """Add a multiple of a dense row to another."""
    for column in range(target.size):
        target[column] += factor * source[column]


@kernel(
    f"void({CSR}, {STRIP}, float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[:,::1], "
    "float64[:,::1])"
)
def multiply_forward(  # type: ignore[no-untyped-def]
    left_offsets, left_columns, left_values, firsts, lasts, columns, origin, places, dense, values,
    plus_rows, plus_columns, minus_rows, minus_columns, strip, sums,
):  # fmt: skip
    """Write left @ right, plus and minus an outer product, into ``strip``; the right matrix is the context map.

    The rows of the strip times ``plus_rows`` are added up in ``sums[0]``, times ``minus_rows`` in ``sums[1]``. Where
    both vectors are 0, a row is 0 throughout, and left as it is.
    """
    for row in range(plus_rows.size):
        plus, minus = plus_rows[row], minus_rows[row]
        if plus == 0.0 and minus == 0.0:
            continue
        line = strip[row]
        for column in range(line.size):
            line[column] = plus * plus_columns[column] - minus * minus_columns[column]
        for e in range(left_offsets[row], left_offsets[row + 1]):
            fetch_row(left_columns, e, firsts, lasts, columns, places, dense, values)
            inner, factor = left_columns[e], left_values[e]
            if places[inner] != SPARSE:
                add_multiple(line, factor, dense[places[inner]])
            else:
                for f in range(firsts[inner], lasts[inner]):
                    line[columns[f] - origin] += factor * values[f]
        add_multiple(sums[0], plus, line)
        add_multiple(sums[1], minus, line)


@kernel(f"void({CSR}, {STRIP}, float64[:,::1], float64[::1], float64[::1])")
def multiply_back(  # type: ignore[no-untyped-def]
    left_offsets, left_columns, left_values, firsts, lasts, columns, origin, places, dense, strip, shift, out
):
    """Write left' @ ``strip``, less ``shift`` of each column, into ``out`` at the pairs of the context map alone.

    What ``dense`` held is overwritten.
    """
    for row in range(places.size):
        if places[row] != SPARSE:
            dense[places[row]] = 0.0
            add_multiple(dense[places[row]], -1.0, shift)
        for f in range(firsts[row], lasts[row]):
            out[f] = 0.0 - shift[columns[f] - origin]
    for inner in range(left_offsets.size - 1):
        line = strip[inner]
        for e in range(left_offsets[inner], left_offsets[inner + 1]):
            fetch_row(left_columns, e, firsts, lasts, columns, places, dense, out)
            row, factor = left_columns[e], left_values[e]
            if places[row] != SPARSE:
                add_multiple(dense[places[row]], factor, line)
            else:
                for f in range(firsts[row], lasts[row]):
                    out[f] += factor * line[columns[f] - origin]
    for row in range(places.size):
        if places[row] != SPARSE:
            for f in range(firsts[row], lasts[row]):
                out[f] = dense[places[row], columns[f] - origin]
