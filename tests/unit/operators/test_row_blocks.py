"""Rows, dense copies and Frobenius sums within a memory budget."""

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import InputError, MachineError
from leadterm.operators import RankOneOperator, SparseOperator, frobenius

AXES = (Axis.CURRENT, Axis.NEXT)


@pytest.fixture
def bigram():
    dense = np.random.default_rng(1).random((30, 20))
    return (SparseOperator(sparse.csr_array(dense), AXES) - RankOneOperator(np.ones(30), np.ones(20), AXES)).named("b")


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([30], r"index 30 is outside the 30 rows of this operator \(0 to 29\)"),
        ([-1], "index -1 is outside"),
        ([0.5], "a flat list of integers; found torch.float32"),
        ([[1, 2]], r"found torch.int64 of shape \(1, 2\)"),
        ([True], "found torch.bool"),
    ],
)
def test_indices_that_name_no_row(bigram, indices, message):
    with pytest.raises(InputError, match=message):
        bigram.rows(indices)


def test_columns_are_checked_against_columns(bigram):
    with pytest.raises(InputError, match="index 20 is outside the 20 columns"):
        bigram.columns([20])


def test_a_dense_copy_that_is_too_large_is_refused_with_the_numbers(bigram):
    needed = 30 * 20 * 8
    assert bigram.to_dense(max_bytes=needed).shape == (30, 20)
    with pytest.raises(MachineError, match=r"b \[CURRENT.*4,800 bytes.*the limit is 4,799.*\.rows\(\[\.\.\.\]\)"):
        bigram.to_dense(max_bytes=needed - 1)


def test_blocks_keep_to_the_budget_and_take_the_shorter_side(bigram, monkeypatch):
    taken = []
    product = bigram.T @ bigram
    kind = type(product)
    rows = kind._rows
    monkeypatch.setattr(kind, "_rows", lambda self, indices: taken.append(len(indices)) or rows(self, indices))
    budget = 5 * (product._row_bytes() + 20 * 8)
    product.frobenius_norm(memory_bytes=budget)
    assert taken == [5, 5, 5, 5]
    taken.clear()
    thin = bigram @ bigram.T @ bigram  # 30 x 20, so its 20 columns are visited
    thin.frobenius_norm()
    assert sum(taken) == 20


def test_the_closed_form_and_the_blocks_agree(bigram):
    blocked = frobenius._blocked(bigram, bigram, 2**20) ** 0.5
    # Both are sums of 600 squares in float64 with kappa = 2: off by at most some 600 eps = 1e-13.
    assert bigram.frobenius_norm() == pytest.approx(blocked, rel=1e-13)


@pytest.mark.parametrize("spread", [2.0**-4, 2.0**-20])
def test_where_terms_cancel_the_blocks_are_used(spread):
    """kappa = 2 / spread: the closed form would lose kappa^2 eps = 2e-13 and 1e-3, the blocks lose nothing."""
    excess = spread * np.random.default_rng(1).integers(-8, 9, (30, 20)) / 8  # 1 + excess and its square are exact
    ones = RankOneOperator(np.ones(30), np.ones(20), AXES)
    nearly = SparseOperator(sparse.csr_array(1 + excess), AXES) - ones
    assert frobenius._closed_norm(nearly) is None
    assert nearly.inner(nearly) == np.sum(excess**2)
    assert nearly.inner(ones) == np.sum(excess)
    # One root, rounded: eps.
    assert nearly.frobenius_norm() == pytest.approx(np.sqrt(np.sum(excess**2)), rel=1e-15)


def test_an_operator_of_zeros_has_norm_zero():
    nothing = SparseOperator(sparse.csr_array((4, 5)), AXES)
    assert nothing.frobenius_norm() == 0.0
    assert (nothing + nothing).frobenius_norm() == 0.0
    assert nothing.inner(nothing) == 0.0


def test_sparse_inner_products_meet_only_where_both_have_entries():
    left = sparse.csr_array(np.array([[1.0, 2.0, 0.0], [0.0, 3.0, 0.0]]))
    right = sparse.csr_array(np.array([[0.0, 5.0, 1.0], [7.0, 0.0, 0.0]]))
    assert SparseOperator(left, AXES).inner(SparseOperator(right, AXES)) == 10.0
    assert SparseOperator(left, AXES).T.inner(SparseOperator(right, AXES).T) == 10.0


def test_float32_sums_are_taken_in_float64():
    """4097 x 4097 ones: their number is odd and above 2^24, so no float32 is equal to it."""
    ones = torch.ones(4097, dtype=torch.float32)
    operator = RankOneOperator(ones, ones, AXES, dtype="float32")
    assert frobenius._blocked(operator, operator, 2**26) == 4097.0**2
