"""Coefficients, bounds and conditions of the predicted weights."""

from dataclasses import replace

import numpy as np
import pytest

from leadterm.errors import InputError
from leadterm.theory import (
    error_bounds,
    gaussian_conditions,
    gaussian_probability,
    leading_coefficients,
    predicted_weights,
    zero_initialisation_conditions,
)
from support.dense_theory import count, random_windows


@pytest.fixture(scope="module")
def basis():
    return count(random_windows(5, 8, 6, seed=4), 6).basis()


def test_coefficients_are_sums_over_steps():
    """The closed forms count what each earlier step adds: W_O grows by eta, V by eta times W_O's size, and so on."""
    eta, output, value, query_key = 0.1, 0.0, 0.0, 0.0
    for _ in range(12):
        query_key += eta * output * value
        value += eta * output
        output += eta
    found = leading_coefficients(12, eta)
    assert (found.output, found.value) == pytest.approx((output, value))
    assert found.query_key == found.position == pytest.approx(query_key)


def test_few_steps_leave_the_later_weights_at_zero():
    assert leading_coefficients(0, 0.1).output == 0
    assert leading_coefficients(1, 0.1).value == 0
    assert leading_coefficients(2, 0.1).query_key == 0


def test_weights_are_the_scaled_compositions(basis):
    weights = predicted_weights(basis, steps=5, learning_rate=0.2, layers=2, context_length=8)
    assert np.allclose(weights.output.to_dense(), 1.0 * basis.bigram.to_dense(), rtol=1e-14, atol=0)
    assert np.allclose(weights.value.to_dense(), 0.4 * basis.value.to_dense(), rtol=1e-14, atol=0)
    assert weights.output.axes == basis.bigram.axes
    assert repr(weights.value).startswith("V [CONTEXT x CURRENT]")
    assert weights.bounds == error_bounds(5, 0.2, 8)
    assert not weights.within_theorem  # V = 6


def test_each_condition_at_its_limit():
    # T = 64: L <= 2, and s <= min(5/64, 1/24) / eta = 1/24 / eta for L = 2; all numbers are exact in binary but 1/24.
    inside = {"steps": 4, "learning_rate": 2**-7, "layers": 2, "context_length": 64, "vocabulary_size": 500}
    failing = {
        "layers": {"layers": 3, "steps": 3},
        "steps": {"steps": 6},
        "context_length": {"context_length": 59, "layers": 1},
        "vocabulary_size": {"vocabulary_size": 499},
    }
    assert all(condition.holds for condition in zero_initialisation_conditions(**inside))
    for name, change in failing.items():
        broken = [c.name for c in zero_initialisation_conditions(**{**inside, **change}) if not c.holds]
        assert broken == [name]


def test_within_theorem_needs_every_condition(basis):
    weights = predicted_weights(basis, 1, 0.01, 1, 64)
    assert [c.name for c in weights.conditions if not c.holds] == ["vocabulary_size"]
    met = tuple(replace(c, holds=True) for c in weights.conditions)
    assert replace(weights, conditions=met).within_theorem


def test_gaussian_conditions_at_their_limits():
    eta, length = 2.0**-6, 64
    inside = gaussian_conditions(2.0**-24, 0.0, eta, length, 64)
    assert [c.holds for c in inside] == [True] * 4
    outside = gaussian_conditions(2.0**-23, -0.1, eta / 2, length, 63)
    assert [c.holds for c in outside] == [False] * 4


def test_gaussian_probability():
    expected = 1 - 4 * (np.exp(-4.0) + np.exp(-64.0))
    assert gaussian_probability(1, 16, 0.0) == pytest.approx(expected, rel=1e-14)
    assert gaussian_probability(3, 2, 0.0) == 0.0
    assert gaussian_probability(3, 50_000, 50.0) == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": -1}, "steps must be a whole number of at least 0, found -1"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
        ({"layers": 0}, "layers must be a whole number of at least 1"),
        ({"context_length": 0}, "context_length must be"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number, found 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a positive number"),
        ({"learning_rate": "0.1"}, "learning_rate must be a positive number"),
    ],
)
def test_settings_out_of_range(basis, change, message):
    settings = {"steps": 3, "learning_rate": 0.1, "layers": 1, "context_length": 8}
    with pytest.raises(InputError, match=message):
        predicted_weights(basis, **{**settings, **change})


def test_another_centring_is_refused():
    basis = count(random_windows(5, 8, 6, seed=4), 6).basis(centring="frequency")
    with pytest.raises(InputError, match="build the basis with centring='uniform'"):
        predicted_weights(basis, 3, 0.1, 1, 8)
