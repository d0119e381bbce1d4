"""The strongest associations of one token."""

import numpy as np
import pytest
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import AxisError, InputError
from leadterm.operators import SparseOperator
from leadterm.theory import strongest

ENTRIES = np.array([[0.0, 3.0, 1.0, 3.0], [5.0, 0.0, 1.0, 0.0], [9.0, -1.0, 0.0, 3.0]])


@pytest.fixture
def context():
    return SparseOperator(sparse.csr_array(ENTRIES), (Axis.NEXT, Axis.CONTEXT)).named("context")


def test_a_row_by_default_ties_by_lower_number(context):
    indices, scores = strongest(context, 0, 3)
    assert indices.tolist() == [1, 3, 2]
    assert scores.tolist() == [3.0, 3.0, 1.0]


def test_ties_among_many():
    """Enough entries for a sort that is not stable to show it."""
    same = SparseOperator(sparse.csr_array(np.ones((1, 5000))), (Axis.NEXT, Axis.CONTEXT))
    assert np.array_equal(strongest(same, 0, 5000)[0], np.arange(5000))


def test_either_axis_by_name(context):
    assert strongest(context, 0, 2, Axis.NEXT)[0].tolist() == [1, 3]
    indices, scores = strongest(context, 0, 2, Axis.CONTEXT)
    assert (indices.tolist(), scores.tolist()) == ([2, 1], [9.0, 5.0])


def test_the_row_where_both_axes_are_the_same():
    square = SparseOperator(sparse.csr_array(np.array([[1.0, 2.0], [9.0, 0.0]])), (Axis.NEXT, Axis.NEXT))
    assert strongest(square, 0, 1, Axis.NEXT)[1].tolist() == [2.0]


def test_all_where_fewer_than_k(context):
    assert strongest(context, 2, 99)[0].tolist() == [0, 3, 2, 1]


def test_refusals(context):
    with pytest.raises(AxisError, match=r"context \[NEXT.*has no axis CURRENT: choose NEXT .* or CONTEXT"):
        strongest(context, 0, 1, Axis.CURRENT)
    with pytest.raises(InputError, match="k is 0: it must be at least 1"):
        strongest(context, 0, 0)
    with pytest.raises(InputError, match="index 3 is outside the 3 rows"):
        strongest(context, 3, 1)
    with pytest.raises(InputError, match="index 4 is outside the 4 columns"):
        strongest(context, 4, 1, Axis.CONTEXT)
