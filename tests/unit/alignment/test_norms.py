"""Norms of predictors' covariances: exact in any blocks, and estimated within the error that is reported."""

import math

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.alignment import norms, prepare
from leadterm.alignment.centred_rows import CentredRows
from leadterm.axes import Axis
from leadterm.errors import InputError
from leadterm.operators import RankOneOperator, SparseOperator
from support.alignment_cases import small_corpus
from support.dense_alignment import double_centred, unit_rows

AXES = (Axis.CURRENT, Axis.NEXT)


@pytest.fixture(scope="module")
def wide():
    """Sparse plus rank one, 500 x 450, whose covariance has a long tail of small eigenvalues; and C, dense."""
    random = np.random.default_rng(1)
    kept = random.random((500, 450)) < 1 / (1 + np.arange(450) / 20)
    counts = sparse.csr_array(kept * random.exponential(size=(500, 450)))
    operator = SparseOperator(counts, AXES) - RankOneOperator(np.ones(500), random.random(450) / 9, AXES)
    rows = unit_rows(operator.to_dense().numpy())
    return operator, rows - rows.mean(axis=1, keepdims=True)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("memory_bytes", [1, 10**6, 2**30])
def test_exact_norms_do_not_depend_on_the_blocks(wide, memory_bytes):
    operator, dense = wide
    found = norms.centred_norm(
        CentredRows(operator, operator.row_norms(memory_bytes)),
        "exact",
        tolerance=1e-3,
        memory_bytes=memory_bytes,
        seed=0,
    )
    assert math.isclose(found.square, np.sum(double_centred(dense @ dense.T) ** 2), rel_tol=1e-12)
    assert found.relative_error == 0


def test_estimates_are_as_good_as_they_say(wide, monkeypatch):
    monkeypatch.setattr(norms, "DIRECTIONS", 40)
    operator, dense = wide
    rows, expected = CentredRows(operator, operator.row_norms(2**28)), np.linalg.norm(double_centred(dense @ dense.T))
    errors = []
    for seed in range(40):
        found = norms.centred_norm(rows, "estimated", tolerance=2e-3, memory_bytes=2**28, seed=seed)
        assert 0 < found.relative_error <= 2e-3
        errors.append((math.sqrt(found.square) / expected - 1) / found.relative_error)
    # 40 numbers of variance 1: the root of their mean square is within 0.5 of 1, none is beyond 4.
    assert abs(np.sqrt(np.mean(np.square(errors))) - 1) < 0.5
    assert np.abs(errors).max() < 4
    again = norms.centred_norm(rows, "estimated", tolerance=2e-3, memory_bytes=2**28, seed=39)
    assert again == found, "the same seed gives the same estimate"


def test_the_default_estimate_is_within_a_thousandth(wide):
    operator, dense = wide
    found = prepare("bigram", operator, norm="estimated")
    expected = np.linalg.norm(double_centred(dense @ dense.T))
    assert abs(found.moments.norm("centred") / expected - 1) < 1e-3
    assert found.norm_error <= 2e-4


def test_sampling_ends_and_says_how_good_it_is(wide, monkeypatch):
    monkeypatch.setattr(norms, "MOST_PROBES", 128)
    monkeypatch.setattr(norms, "DIRECTIONS", 4)
    found = prepare("bigram", wide[0], norm="estimated", tolerance=0.0)
    assert 1e-5 < found.norm_error < 1e-2


def test_an_estimate_with_all_directions_is_exact(wide, monkeypatch):
    monkeypatch.setattr(norms, "DIRECTIONS", 500)
    operator, dense = wide
    found = prepare("bigram", operator, norm="estimated")
    assert math.isclose(found.moments.norm("centred"), np.linalg.norm(double_centred(dense @ dense.T)), rel_tol=1e-12)
    assert found.norm_error <= norms.ROUNDING * 2**-52  # no sampling error


def test_moments_of_a_predictor_are_those_of_its_covariance(wide):
    operator, dense = wide
    covariance = dense @ dense.T
    found = prepare("bigram", operator, memory_bytes=10**6).moments
    centred = double_centred(covariance)
    # Diagonals are differences of numbers up to 1, within some eps of 1.
    assert np.abs(found.diagonal.numpy() - np.diag(centred)).max() < 1e-14
    assert np.abs(found.margins.numpy() - (covariance.mean(axis=1) - covariance.mean())).max() < 1e-14
    assert math.isclose(found.mean, covariance.mean(), rel_tol=1e-11)
    assert math.isclose(found.norm("raw"), np.linalg.norm(covariance), rel_tol=1e-12)


def test_rows_and_products_are_those_of_the_dense_matrix(wide, monkeypatch):
    monkeypatch.setattr("leadterm.alignment.centred_rows.COLUMNS", 3)
    operator, dense = wide
    rows = CentredRows(operator, operator.row_norms(10**6))
    x, y = (np.random.default_rng(2).standard_normal((size, 8)) for size in (450, 500))
    assert np.abs(rows.apply(torch.from_numpy(x)).numpy() - dense @ x).max() < 1e-13
    assert np.abs(rows.apply_transposed(torch.from_numpy(y)).numpy() - dense.T @ y).max() < 1e-13
    assert np.abs(torch.cat(list(rows.row_blocks(10**6))).numpy() - dense).max() < 1e-14
    assert np.abs(rows.squares().numpy() - np.sum(dense**2, axis=1)).max() < 1e-14


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((6, 6)), np.ones((6, 6)), np.tile([3.0, 1, 0, 0, 0, 0], (6, 1)), np.outer(np.arange(6), np.ones(6))],
)
def test_a_predictor_that_does_not_vary_is_refused(matrix):
    with pytest.raises(InputError, match=r"the rows of bigram \(sparse.*are all equal.*leave it out, or count a"):
        prepare("bigram", SparseOperator(sparse.csr_array(matrix), AXES))


def test_too_few_tokens_are_refused():
    with pytest.raises(InputError, match="has 3 rows; the null needs 4 tokens at least"):
        prepare("bigram", SparseOperator(sparse.csr_array(np.eye(3)), AXES))


def test_a_method_is_chosen_by_the_number_of_tokens(monkeypatch):
    monkeypatch.setattr(norms, "EXACT_TOKENS", 39)
    assert small_corpus().prepared("value", norm="exact")[0].norm_error == 0
    assert small_corpus().prepared("value", tolerance=1.0)[0].moments.square > 0
