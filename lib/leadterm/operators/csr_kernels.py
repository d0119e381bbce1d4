"""The compiled product of a sparse matrix with a dense one."""

import numpy as np

from leadterm.jit import kernel

SIGNATURES = tuple(
    f"void({index}[::1], {index}[::1], {number}[::1], {number}[:, ::1], int64[::1], int64, {number}[:, ::1],"
    " int64, int64)"
    for index in ("int32", "int64")
    for number in ("float32", "float64")
)


@kernel(*SIGNATURES, contract=True)
def add_tile(offsets, columns, values, dense, at, end, out, start, stop):  # type: ignore[no-untyped-def]
    """Add to rows start ... stop of ``out`` the products of columns before ``end``: one tile of rows of ``dense``.

    ``at`` holds the position of each row's next entry, and is advanced. Every sum is in the order of the columns, one
    term at a time, so that neither tiles nor threads nor other columns of ``dense`` change a bit of it.
    """
    width = dense.shape[1]
    for row in range(start, stop):
        e, last, sums = at[row], offsets[row + 1], out[row]
        while e + 4 <= last and columns[e + 3] < end:
            a, b, c, d = values[e], values[e + 1], values[e + 2], values[e + 3]
            x, y, z, w = (dense[np.uint32(columns[e])], dense[np.uint32(columns[e + 1])],
                          dense[np.uint32(columns[e + 2])], dense[np.uint32(columns[e + 3])])  # fmt: skip
            for k in range(width):
                sums[k] = (((sums[k] + a * x[k]) + b * y[k]) + c * z[k]) + d * w[k]
            e += 4
        while e < last and columns[e] < end:
            a, x = values[e], dense[np.uint32(columns[e])]
            for k in range(width):
                sums[k] += a * x[k]
            e += 1
        at[row] = e
