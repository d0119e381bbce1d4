"""The counting kernel of the context map over two hops: attention of attention.

A token at position j of a window weighs (1/t) (1/j + ... + 1/t) in the contexts of position t: more the earlier it
stands. The weight depends on t and on j, so that no one sum over a row's positions serves all their context tokens, as
in the context map. But what the positions of one row and one window give the token at j together,

    W_j = sum_{t >= j} (1/t) sum_{m = j}^t (1/m) = W_{j+1} + (1/j) R_j,    R_j = sum_{t >= j} (1/t),

follows from what they give the token after it. So a row's positions are gone through from the last to the first, and
the context of each backwards, down to the position before: one multiplication beside each addition of the context map,
as many additions, and nothing is subtracted.
"""

import numpy as np

from leadterm.counting.accumulator import add, drain, fills
from leadterm.counting.cooccurrence_kernels import OUTPUT, PAIRS_PER_POSITION, own_part
from leadterm.counting.positions import AHEAD, fetch_tokens
from leadterm.jit import kernel

WORKING_BITS = 48
"""Of the sums R and W while a window is gone through. R < 12 for windows of 65,536 positions, so that its integer is
exact as float64, and W < 70 fits int64."""


@kernel(
    f"Tuple((int64, int64))(int32[::1], int32[::1], int64[::1], int32[::1], float64[::1], float64[::1], int64, "
    f"int64[::1], uint64[::1], int64, {OUTPUT})"
)
def two_hop_rows(  # type: ignore[no-untyped-def]  # types stand in the signature
    tokens, starts, bounds, order, weights, inverses, shift, scratch, touched, row, keys, offsets, columns, values
):
    """Add the two-hop weights of all (y_t, x_j), j <= t, into rows of NEXT x CONTEXT, from ``row`` on.

    ``bounds``, ``order`` and ``starts`` group the positions by next token. ``weights`` are integers, 1/t in units of
    2^-WORKING_BITS, and ``inverses`` 1/j. A product of the two is cut to an integer, and W_j is rounded to the stored
    unit, ``shift`` binary digits fewer, once for each row, window and j: the same wherever the window is counted.
    Returns the row to go on with (V when all are done) and the number of rows written.
    """
    n_rows, filled, n_columns = 0, 0, bounds.size - 1
    half = np.int64(1) << np.int64(shift - 1)
    while row < n_columns and filled + n_columns <= columns.size:
        if bounds[row] < bounds[row + 1]:
            one_hop, two_hops = 0.0, np.int64(0)
            is_full = fills(PAIRS_PER_POSITION * (bounds[row + 1] - bounds[row]), n_columns)
            for k in range(bounds[row + 1] - 1, bounds[row] - 1, -1):
                if k > AHEAD:
                    fetch_tokens(tokens, own_part(starts, order, k - AHEAD), order[k - AHEAD] + 1)
                one_hop += weights[order[k] - starts[k]]
                comes_again = k > bounds[row] and starts[k - 1] == starts[k]
                first = own_part(starts, order, k) if comes_again else starts[k]
                for i in range(order[k], first - 1, -1):
                    two_hops += np.int64(one_hop * inverses[i - starts[k]])
                    add(scratch, touched, is_full, tokens[i], (two_hops + half) >> np.int64(shift))
                if not comes_again:
                    one_hop, two_hops = 0.0, np.int64(0)
            filled = drain(scratch, touched, is_full, columns, values, filled)
            keys[n_rows] = row
            n_rows += 1
            offsets[n_rows] = filled
        row += 1
    return row, n_rows
