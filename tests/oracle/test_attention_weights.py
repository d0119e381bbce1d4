"""All predicted weights, those of attention included, against the library's own transformer as it is trained."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from leadterm.config import TrainingSection
from leadterm.theory import Gaussian
from leadterm.theory_model import Row, Trainer, verify
from support.dense_attention import dense_attention, dense_composed, dense_scores, uniform_jacobian
from support.dense_theory import count, random_windows
from support.predictions import Predictor

SIZE, LENGTH, WINDOWS, LAYERS, RATE = 40, 24, 64, 3, 0.05
STEPS = (3, 4, 10)
KINDS = ("output", "value", "query_key", "position")


@pytest.fixture(scope="module")
def windows() -> list[list[int]]:
    return random_windows(WINDOWS, LENGTH + 1, SIZE, seed=11)


@pytest.fixture(scope="module")
def ragged(windows) -> list[list[int]]:
    random = np.random.default_rng(5)
    return [window[: random.integers(2, LENGTH + 2)] for window in windows]


def trained(windows, rate=RATE, steps=STEPS) -> tuple[Row, ...]:
    settings = TrainingSection(
        layers=LAYERS, learning_rate=rate, steps=max(steps), compare_at=list(steps), dtype="float64", micro_batch=64
    )
    predictor = Predictor(windows, SIZE, LENGTH, rate, LAYERS)
    return verify(windows, SIZE, LENGTH, settings, predictor).rows


@pytest.fixture(scope="module")
def rows(windows):
    return trained(windows)


# What the theory leaves out is of relative size s eta times less than 1; section 7 of the theory notes found a norm off
# by 0.1 % at s = 3, mostly along the prediction: the cosine is off by the square of the part across it.
@pytest.mark.parametrize("steps", STEPS)
def test_every_weight_of_every_layer_is_predicted(rows, steps):
    found = [row for row in rows if row.step == steps]
    assert [(row.weight, row.layer) for row in found] == [
        ("output", None),
        *((kind, layer) for kind in KINDS[1:] for layer in range(1, LAYERS + 1)),
    ]
    for row in found:
        assert row.cosine >= 0.99999, row
        assert abs(row.norm_ratio - 1) <= 0.01, row


def test_ragged_windows_are_predicted_as_well(ragged):
    for row in trained(ragged, steps=(4,)):
        assert row.cosine >= 0.99999, row
        assert abs(row.norm_ratio - 1) <= 0.01, row


def test_outside_the_theorem_nothing_is_promised(rows):
    assert not any(row.within_theorem for row in rows)  # V = 40 is too small


def test_within_the_theorem_the_bounds_hold():
    size, length, layers, rate = 500, 64, 2, 0.01
    windows = random_windows(3, length + 1, size, seed=5)
    settings = TrainingSection(layers=layers, learning_rate=rate, steps=4, dtype="float64")
    for row in verify(windows, size, length, settings, Predictor(windows, size, length, rate, layers)).rows:
        assert row.within_theorem
        assert 0 < row.error_norm <= row.bound, row
        assert row.cosine >= 0.99999, row


def test_from_a_gaussian_the_bounds_hold_and_the_drawn_weights_are_what_is_off():
    """All conditions of Theorem D.13 hold, with the spread at its limit v = eta^2 / T^2."""
    size, length, rate = 500, 64, 2.0**-6
    start = Gaussian((rate / length) ** 2)
    windows = random_windows(3, length + 1, size, seed=5)
    drawn = {"initialisation": "gaussian", "spread": start.spread, "seed": 1}
    settings = TrainingSection(layers=1, learning_rate=rate, steps=5, compare_at=[1, 5], dtype="float64", **drawn)
    rows = verify(windows, size, length, settings, Predictor(windows, size, length, rate, 1, start)).rows
    assert [row.weight for row in rows] == [*KINDS, *KINDS]
    for row in rows:
        assert row.within_theorem
        assert 0 < row.error_norm <= row.bound, row
    assert rows[4].cosine >= 0.99999
    # V^2 = 250,000 numbers of N(0, v^2 / V^2) have norm v to within 1 / sqrt(2 V^2) = 0.14 %; five of those. What the
    # prediction leaves out of the query-key matrix, eta^5 and more of numbers below 1, is far less.
    for row in (rows[2], rows[6]):
        assert row.error_norm == pytest.approx(start.spread, rel=0.007), row


# Each weight is a power series in eta, of which the prediction is the first term: the relative error falls as eta, and
# halving eta halves it but for a factor 1 + O(eta), here 1 + 0.08 eta: orders are 1 to 2e-4. Rounding: a gradient is
# right to about 1e-15 of itself times the cancellation of the softmax's Jacobian (< 1e3), far below errors of 1e-6.
def test_the_error_falls_with_the_learning_rate(windows):
    rates = (2e-3, 1e-3, 5e-4)
    errors = [[row.relative_error for row in trained(windows, rate, (4,))] for rate in rates]
    for coarse, fine in pairwise(np.array(errors)):
        order = np.log2(coarse / fine)
        assert np.all(np.abs(order - 1) < 1e-3), order


def test_the_next_term_of_the_output(windows):
    """Section 8 of the theory notes: at small eta the error of W_O is -C(s,2) eta^2 diag(alpha) B / V."""
    rate, steps = 1e-5, 4
    predictor = Predictor(windows, SIZE, LENGTH, rate, LAYERS)
    settings = TrainingSection(layers=LAYERS, learning_rate=rate, steps=steps, dtype="float64")
    trainer = Trainer(windows, SIZE, LENGTH, settings)
    trainer.advance()
    error = (trainer.model.output.detach() - predictor(steps).output.to_dense()).numpy()
    expected = -6 * rate**2 * predictor.alpha[:, None] * predictor.bigram / SIZE
    assert np.linalg.norm(error - expected) <= 0.01 * np.linalg.norm(expected)


def test_a_transposed_prediction_is_far_off(windows, rows):
    predictor = Predictor(windows, SIZE, LENGTH, RATE, LAYERS)
    predictor.query_key = predictor.query_key.T.copy()
    settings = TrainingSection(layers=1, learning_rate=RATE, steps=4, dtype="float64")
    found = {row.weight: row for row in verify(windows, SIZE, LENGTH, settings, predictor).rows}
    assert found["query_key"].cosine < 0.95 < 0.99999 <= found["value"].cosine


def test_sums_of_the_dense_formula(ragged):
    """Rows of Q and Delta sum to 0, whatever the scores."""
    scores = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    query_key, position = dense_attention(ragged, scores, LENGTH)
    assert np.abs(query_key.sum(axis=1)).max() < 1e-15
    assert abs(position.sum()) < 1e-15
    assert np.linalg.norm(query_key) > 1e-2


def test_the_jacobian_is_that_of_a_softmax():
    n = 5
    hidden = torch.triu(torch.ones(n, n, dtype=torch.bool), diagonal=1)

    def attention(scores):
        return torch.softmax(scores.masked_fill(hidden, -torch.inf), dim=-1)

    by_torch = torch.autograd.functional.jacobian(attention, torch.zeros(n, n, dtype=torch.float64))
    for t in range(n):
        assert np.allclose(by_torch[t, :, t, :], uniform_jacobian(n)[t], rtol=0, atol=1e-16)


def test_kept_tokens_are_rows_and_columns_of_the_whole_matrices(ragged):
    counts, kept = count(ragged, SIZE), [0, 3, 7, 20]
    cut = np.ix_(kept, kept)
    bigram, context = counts.uniform()
    arrays = counts.bigram_counts, counts.context_weights, counts.alpha, counts.rho
    already_cut = *(array[cut] for array in arrays[:2]), *(array[kept] for array in arrays[2:])
    expected = bigram[cut].T @ bigram[cut] @ context[cut]
    for given in (arrays, already_cut):
        found = dense_composed(*given, counts.n_positions, SIZE, kept)
        assert np.allclose(found, expected, rtol=1e-14, atol=0)


def test_over_the_whole_vocabulary_scores_are_the_composed_matrix(ragged):
    counts = count(ragged, SIZE)
    arrays = counts.bigram_counts, counts.context_weights, counts.alpha, counts.rho
    composed = dense_composed(*arrays, counts.n_positions, SIZE)
    assert np.abs(dense_scores(composed, SIZE) - composed).max() <= 1e-15 * np.abs(composed).max()


def test_kept_tokens_by_the_definition():
    """Two of three tokens kept, one window 0 1 2 0, entry by entry from the words of the definition."""
    composed = np.array([[1.0, 2.0], [3.0, 5.0]])  # [NEXT x CONTEXT] of the tokens 0 and 2
    scores = dense_scores(composed, 3, kept=[0, 2])
    total = composed.sum(axis=0) / 3
    expected = np.array([[1 - total[0], 0, 2 - total[1]], [-total[0], 0, -total[1]], [3 - total[0], 0, 5 - total[1]]])
    assert np.allclose(scores, expected, rtol=0, atol=1e-15)
    query_key, position = dense_attention([[0, 1, 2, 0]], scores, 4, kept=[0, 2])
    second = expected[2, [0, 1]]  # position 2: query 1, which is not kept, keys 0 1, next 2
    third = expected[0, [0, 1, 2]]  # position 3: query 2, keys 0 1 2, next 0
    q2, q3 = (second - second.mean()) / 2, (third - third.mean()) / 3
    assert np.allclose(query_key, np.array([[0, 0], [q3[0], q3[2]]]) / 3, rtol=0, atol=1e-15)
    assert np.allclose(position, np.array([q2[1] + q3[2], q2[0] + q3[1], q3[0], 0]) / 3, rtol=0, atol=1e-15)
