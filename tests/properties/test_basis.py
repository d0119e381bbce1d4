"""The operators of a basis are the dense formulas, for any corpus."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.theory import Basis
from support.dense_theory import DenseStatistics, count

RELATIVE = 1e-12
"""Every entry is a sum of at most a few hundred products of float64 numbers: at most some 300 eps = 7e-14 of the
norm of what is multiplied. 1e-12 leaves a factor of ten, and is far below any error of formula."""


@st.composite
def corpora(draw) -> DenseStatistics:
    """Draw windows over 1 to 8 tokens, of which the last may never occur."""
    used = draw(st.integers(1, 6))
    unused = draw(st.integers(0, 2))
    window = st.lists(st.integers(0, used - 1), min_size=2, max_size=9)
    return count(draw(st.lists(window, min_size=1, max_size=8)), used + unused)


def assert_all_near(basis: Basis, bigram: np.ndarray, context: np.ndarray, scales: tuple[float, float]) -> None:
    """Compare all five; an error of a product is relative to the norms of its factors before anything cancels."""
    b, c = scales
    expected = {
        "bigram": (bigram, b),
        "context": (context, c),
        "interchange": (bigram.T @ bigram, b * b),
        "value": (context.T @ bigram.T, b * c),
        "composed": (bigram.T @ bigram @ context, b * b * c),
    }
    for name, (dense, scale) in expected.items():
        found = getattr(basis, name).to_dense().numpy()
        assert np.linalg.norm(found - dense) <= RELATIVE * scale, name


@given(corpora())
@settings(max_examples=40, deadline=None)
def test_the_papers_basis_is_its_dense_formulas(statistics):
    joint = np.linalg.norm(statistics.bigram_counts) / statistics.n_positions
    weights = np.linalg.norm(statistics.context_weights) / statistics.n_positions
    assert_all_near(statistics.basis(), *statistics.uniform(), (joint, weights))


@given(corpora())
@settings(max_examples=40, deadline=None)
def test_the_frequency_centred_basis_is_its_dense_formulas(statistics):
    # Each standardised joint matrix has largest singular value 1, hence a norm between 1 and sqrt(V).
    scale = np.sqrt(len(statistics.alpha))
    basis = statistics.basis(centring="frequency")
    assert_all_near(basis, *statistics.frequency(), (scale, scale))


@given(corpora())
@settings(max_examples=40, deadline=None)
def test_rows_of_bigram_and_columns_of_context_sum_to_zero(statistics):
    basis, ones = statistics.basis(), np.ones(len(statistics.alpha))
    # Sums of numbers that add up to 1 in all: rounding of some tens of eps = 2e-16.
    assert np.abs(basis.bigram @ ones).max() <= 1e-14
    assert np.abs(ones @ basis.context).max() <= 1e-14


@given(corpora())
@settings(max_examples=40, deadline=None)
def test_frequency_centring_takes_out_both_margins(statistics):
    basis = statistics.basis(centring="frequency")
    alpha, gamma, rho = (np.sqrt(part) for part in (statistics.alpha, statistics.gamma, statistics.rho))
    for left, operator, right in ((alpha, basis.bigram, gamma), (gamma, basis.context, rho)):
        assert np.abs(operator @ right).max() <= 1e-14  # as above: every term is at most 1
        assert np.abs(left @ operator).max() <= 1e-14


@given(corpora())
@settings(max_examples=30, deadline=None)
def test_tokens_that_never_occur_give_zeros(statistics):
    basis = statistics.basis(centring="frequency")
    absent = np.flatnonzero(statistics.alpha == 0)
    assert not np.any(basis.bigram.rows(absent).numpy())
    assert not np.any(basis.context.columns(np.flatnonzero(statistics.rho == 0)).numpy())
    assert np.all(np.isfinite(basis.composed.to_dense().numpy()))


@pytest.mark.parametrize("centring", ["uniform", "frequency"])
def test_a_vocabulary_of_one_token_has_nothing_to_say(centring):
    basis = count([[0, 0, 0]], 1).basis(centring=centring)
    for name in ("bigram", "context", "interchange", "value", "composed"):
        assert abs(getattr(basis, name).to_dense().item()) <= 1e-15  # 1 - 1, the sum of 1/2 + 1/2 exact
    assert basis.bigram.frobenius_norm() <= 1e-15


@given(corpora())
@settings(max_examples=30, deadline=None)
def test_norms_are_those_of_the_dense_matrices(statistics):
    bigram, context = statistics.uniform()
    basis = statistics.basis()
    joint = np.linalg.norm(statistics.bigram_counts) / statistics.n_positions
    weights = np.linalg.norm(statistics.context_weights) / statistics.n_positions
    # The closed form is left where more than two digits cancel, so the error stays relative to the terms' norm.
    assert abs(basis.bigram.frobenius_norm() - np.linalg.norm(bigram)) <= RELATIVE * joint
    assert abs(basis.value.frobenius_norm() - np.linalg.norm(context.T @ bigram.T)) <= RELATIVE * joint * weights
