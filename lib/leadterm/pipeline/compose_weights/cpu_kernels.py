"""Compiled products for a strip of context tokens: sparse times sparse, and back to the pairs.

The rows of the context map whose next token has one of the first ranks (:mod:`ranked_bigram`) are laid out dense, and
cut into parts of ``LANES`` columns: a product over a part keeps its sum in registers and its rows in a core's cache.
The others are packed, entry by entry. Both go through the pairs in the same order, by rank on the way to K and by
current token on the way back, and a zero more changes no sum: the same bytes always.
"""

import numpy as np

from leadterm.jit import FLOATS_PER_LINE, INTS_PER_LINE, inlined, kernel, prefetch
from leadterm.pipeline.compose_weights.add_rows import LANES, add_rows

PAIRS = "int64[::1], int64[::1], int32[::1], float64[::1]"
"""For each row of a product: its first and after its last pair; for each pair: the row to add, and its factor."""
PARTS = "float64[:,:,::1]"
"""Of a dense matrix: (parts, rows, LANES)."""
ENTRIES = "int64[::1], int32[::1], int64[::1], int64[::1], int64"
"""Of the context map in a strip: the rows by rank, the columns of all entries, the first entry of each row in the strip
and the one after its last, and the first column of the strip."""
PACKED = "int32[::1], float64[::1], float64[::1]"
"""For each packed entry: where its column lies in the strip, its value, and its sum."""
ROWS_AHEAD = 4
"""So far ahead the packed row of a pair is asked for."""


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


@kernel(f"void({ENTRIES}, float64[::1], {PARTS})")
def lay_out(by_rank, columns, firsts, lasts, origin, values, dense):  # type: ignore[no-untyped-def]
    """Write the rows of the first ranks out dense: entries ``firsts[row]`` ... ``lasts[row]``, columns from ``origin``.

    ``dense`` is (parts, ranks, LANES).
    """
    dense[:] = 0.0
    for rank in range(dense.shape[1]):
        row = by_rank[rank]
        for f in range(firsts[row], lasts[row]):
            column = columns[f] - origin
            dense[column // LANES, rank, column % LANES] = values[f]


@kernel(f"void({ENTRIES}, float64[::1], int64, int64, int64[::1], int32[::1], float64[::1])")
def pack(  # type: ignore[no-untyped-def]
    by_rank, columns, firsts, lasts, origin, values, n_dense, height, starts, places, packed
):
    """Write the entries of the other ranks in succession: those of a rank begin at ``starts[rank]``.

    The place of an entry is that of its column in the first row of a strip (parts, ``height``, LANES).
    """
    end = 0
    for rank in range(by_rank.size):
        starts[rank] = end
        if rank >= n_dense:
            row = by_rank[rank]
            for f in range(firsts[row], lasts[row]):
                column = columns[f] - origin
                places[end] = column // LANES * height * LANES + column % LANES
                packed[end] = values[f]
                end += 1
    starts[by_rank.size] = end


@kernel(f"void(float64[::1], float64[:,::1], float64[::1], float64[:,::1], {PARTS})")
def begin_rows(plus, plus_columns, minus, minus_columns, strip):  # type: ignore[no-untyped-def]
    """Write the difference of two outer products into the first rows of a strip; columns are (parts, LANES)."""
    for part in range(strip.shape[0]):
        for row in range(plus.size):
            for lane in range(LANES):
                minuend = plus[row] * plus_columns[part, lane]
                strip[part, row, lane] = minuend - minus[row] * minus_columns[part, lane]


@kernel(f"void(int32[::1], {PAIRS}, {PARTS}, {PARTS})")
def multiply_dense(rows, firsts, lasts, ids, factors, source, target):  # type: ignore[no-untyped-def]
    """Add to some ``rows`` of ``target`` the rows of ``source`` that their pairs name, times the factors.

    Part by part, so that what is read of ``source`` stays in a core's cache.
    """
    for part in range(source.shape[0]):
        read, written = source[part], target[part]
        for k in range(rows.size):
            if firsts[k] < lasts[k]:
                add_rows(written, rows[k], ids, factors, firsts[k], lasts[k], read)


@inlined
def fetch_packed(ids, e, last, starts, places, entries):  # type: ignore[no-untyped-def]  # numba infers the types
    """Ask for the packed row of a pair soon to come: its places and what ``entries`` holds of it."""
    if e + ROWS_AHEAD < last:
        rank = ids[e + ROWS_AHEAD]
        for f in range(starts[rank], starts[rank + 1], INTS_PER_LINE):
            prefetch(places, f)
            prefetch(entries, f)
            prefetch(entries, f + FLOATS_PER_LINE)


@kernel(f"void({PAIRS}, int64[::1], {PACKED}, float64[::1])")
def multiply_packed(  # type: ignore[no-untyped-def]
    firsts, lasts, ids, factors, starts, places, packed, sums, strip
):
    """Add to the rows of a strip the packed rows that their pairs name, and to the sums of these the finished rows.

    Back and forth row by row of the strip, whose packed rows the caches then still hold.
    """
    for row in range(firsts.size):
        begin = np.uint64(row * LANES)
        for e in range(firsts[row], lasts[row]):
            fetch_packed(ids, e, lasts[row], starts, places, packed)
            factor = factors[e]
            for f in range(starts[ids[e]], starts[ids[e] + 1]):
                strip[begin + np.uint32(places[f])] += factor * packed[f]
        for e in range(firsts[row], lasts[row]):
            fetch_packed(ids, e, lasts[row], starts, places, sums)
            factor = factors[e]
            for f in range(starts[ids[e]], starts[ids[e] + 1]):
                sums[f] += factor * strip[begin + np.uint32(places[f])]


@kernel(f"void(float64[::1], float64[::1], {PARTS}, float64[:,:,::1])")
def add_up(plus, minus, strip, sums):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Add the rows of a strip times ``plus`` to ``sums[0]``, (parts, LANES), and times ``minus`` to ``sums[1]``."""
    for part in range(strip.shape[0]):
        for row in range(plus.size):
            for lane in range(LANES):
                sums[0, part, lane] += plus[row] * strip[part, row, lane]
                sums[1, part, lane] += minus[row] * strip[part, row, lane]


@kernel(f"void({ENTRIES}, {PARTS}, int64[::1], float64[::1], float64[::1], float64[::1])")
def take_out(by_rank, columns, firsts, lasts, origin, dense, starts, sums, shift, out):  # type: ignore[no-untyped-def]
    """Write the sums of all entries, less ``shift`` of their columns, into ``out``, as the context map has them."""
    for rank in range(by_rank.size):
        row = by_rank[rank]
        for f in range(firsts[row], lasts[row]):
            column = columns[f] - origin
            if rank < dense.shape[1]:
                found = dense[column // LANES, rank, column % LANES]
            else:
                found = sums[starts[rank] + f - firsts[row]]
            out[f] = found - shift[column]
