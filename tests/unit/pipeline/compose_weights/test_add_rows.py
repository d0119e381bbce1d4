"""The instruction that adds multiples of rows, against one sum after the other in Python."""

import numpy as np

from leadterm.jit import kernel
from leadterm.pipeline.compose_weights.add_rows import LANES, add_rows


@kernel("void(float64[:,::1], int64, int32[::1], float64[::1], int64, int64, float64[:,::1])")
def added(target, row, ids, factors, first, last, source):
    add_rows(target, row, ids, factors, first, last, source)


def test_rows_are_added_in_order_and_products_are_rounded():
    random = np.random.default_rng(1)
    source, target = random.normal(size=(20, LANES)), random.normal(size=(3, LANES))
    ids, factors = random.integers(0, 20, 9).astype(np.int32), random.normal(size=9)
    expected = target.copy()
    for e in range(2, 8):
        expected[1] += factors[e] * source[ids[e]]  # numpy rounds twice; one instruction for both would differ
    added(target, 1, ids, factors, 2, 8, source)
    assert target.tobytes() == expected.tobytes()


def test_no_pair_changes_nothing():
    target = np.full((2, LANES), -0.0)
    added(target, 1, np.zeros(3, dtype=np.int32), np.ones(3), 3, 3, np.ones((1, LANES)))
    assert np.signbit(target).all()
