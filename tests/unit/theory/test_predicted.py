"""Coefficients, bounds and conditions of the predicted weights."""

import sys
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest

from leadterm.errors import InputError
from leadterm.theory import (
    Gaussian,
    error_bounds,
    gaussian_conditions,
    gaussian_failure,
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


INSIDE = {"steps": 4, "learning_rate": 2**-6, "layers": 1, "context_length": 64, "vocabulary_size": 500}
SHARED = {"layers": 2, "learning_rate": 1 / 48}


def broken(conditions) -> list[str]:
    return [condition.name for condition in conditions if not condition.holds]


# T = 64: L <= 2; s <= min(5/64, 1/12) / eta = 5 for L = 1, eta = 1/64; s <= 1/24 / eta = 2 for L = 2, eta = 1/48,
# which float64 gives exactly, for 1/48 is half of 1/24.
@pytest.mark.parametrize(
    ("name", "holding", "failing"),
    [
        ("layers", {"layers": 2, "steps": 2}, {"layers": 3, "steps": 1}),
        ("steps", {"steps": 5}, {"steps": 6}),
        ("steps", SHARED | {"steps": 2}, SHARED | {"steps": 3}),
        ("context_length", {"context_length": 60}, {"context_length": 59}),
        ("vocabulary_size", {"vocabulary_size": 500}, {"vocabulary_size": 499}),
    ],
)
def test_each_condition_at_its_limit(name, holding, failing):
    assert broken(zero_initialisation_conditions(**{**INSIDE, **holding})) == []
    assert broken(zero_initialisation_conditions(**{**INSIDE, **failing})) == [name]


def test_within_theorem_needs_every_condition(basis):
    weights = predicted_weights(basis, 1, 0.01, 1, 64)
    assert [c.name for c in weights.conditions if not c.holds] == ["vocabulary_size"]
    met = tuple(replace(c, holds=True) for c in weights.conditions)
    assert replace(weights, conditions=met).within_theorem


# eta = 1/64 = 1/T, v = eta^2 / T^2 = 2^-24, V = T, xi = 0 and s = 1 are at their limits; then each by the least more.
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("exponent", {"initialisation": Gaussian(2.0**-24, -5e-324)}),
        ("spread", {"initialisation": Gaussian(np.nextafter(2.0**-24, 1))}),
        ("vocabulary_size", {"vocabulary_size": 63}),
        ("learning_rate", {"initialisation": Gaussian(2.0**-25), "learning_rate": np.nextafter(2.0**-6, 0)}),
        ("steps", {"steps": 0}),
    ],
)
def test_each_condition_of_a_gaussian_start_at_its_limit(name, change):
    inside = {"initialisation": Gaussian(2.0**-24), "steps": 1, "learning_rate": 2.0**-6, "context_length": 64}
    assert broken(gaussian_conditions(**inside, vocabulary_size=64)) == []
    assert broken(gaussian_conditions(**{**inside, "vocabulary_size": 64, **change})) == [name]


def exact_failure(layers: int, size: int, exponent: float) -> Decimal:
    """The formula in 60 digits, with exponents far below those of float64."""
    with localcontext(prec=60, Emin=-(10**9)):
        first, second = (Decimal(size) ** (base + 2 * Decimal(exponent)) for base in (1, 2))
        return (3 * layers + 1) * ((-first / 4).exp() + (-second / 4).exp())


# float64: V^(1 + 2 xi) is off by some 20 eps of itself, log and exp included, and is 2,832 at most where the result is
# not below the smallest normal number; a quarter of it is an exponent: 708 * 20 * 1.1e-16 = 1.6e-12.
@pytest.mark.parametrize("layers", [1, 3, 12])
@pytest.mark.parametrize(
    ("size", "exponent"), [(12, 0.0), (16, 0.0), (30, 0.25), (500, 0.0), (2800, 0.0), (50, 0.5), (500, -0.25)]
)
def test_the_probability_is_that_of_sixty_digits(layers, size, exponent):
    expected = exact_failure(layers, size, exponent)
    assert 0 < expected < 1 or layers > 1
    assert gaussian_failure(layers, size, exponent) == pytest.approx(min(1.0, float(expected)), rel=1.6e-12)
    assert gaussian_probability(layers, size, exponent) == pytest.approx(max(0.0, float(1 - expected)), abs=1.6e-12)


@pytest.mark.parametrize(("size", "exponent"), [(2900, 0.0), (50_000, 0.0), (50_000, 50.0), (2, 1e300)])
def test_a_probability_that_float64_cannot_tell_from_one_is_not_said_to_be_one(size, exponent):
    assert gaussian_failure(3, size, exponent) == sys.float_info.min
    assert gaussian_probability(3, size, exponent) == 1.0
    if exponent < 1:
        assert 0 < exact_failure(3, size, exponent) < Decimal(sys.float_info.min)


@pytest.mark.parametrize(("size", "exponent"), [(1, 0.0), (2, 0.0), (5, 0.0), (500, -10.0)])
def test_where_the_formula_is_negative_nothing_is_proved(size, exponent):
    assert exact_failure(3, size, exponent) > 1
    assert gaussian_failure(3, size, exponent) == 1.0
    assert gaussian_probability(3, size, exponent) == 0.0


def test_a_gaussian_start_changes_what_is_proved_and_not_what_is_predicted():
    """V = 500, of which six tokens are kept."""
    basis = count(random_windows(5, 8, 6, seed=4), 6).basis(vocabulary_size=500)
    settings = basis, 4, 2.0**-6, 1, 64
    zero, drawn = predicted_weights(*settings), predicted_weights(*settings, initialisation=Gaussian(2.0**-24))
    assert (zero.within_theorem, zero.failure, zero.probability, zero.initialisation) == (True, 0.0, 1.0, None)
    assert (drawn.within_theorem, drawn.probability) == (True, 1.0)
    assert drawn.failure == pytest.approx(float(exact_failure(1, 500, 0.0)), rel=1.6e-12)
    assert drawn.conditions[: len(zero.conditions)] == zero.conditions
    assert len(drawn.conditions) == len(zero.conditions) + 5
    assert (drawn.bounds, drawn.coefficients) == (zero.bounds, zero.coefficients)
    assert np.array_equal(drawn.output.to_dense(), zero.output.to_dense())
    wide = predicted_weights(*settings, initialisation=Gaussian(2.0**-23))
    assert (broken(wide.conditions), wide.within_theorem, wide.probability) == (["spread"], False, 0.0)


def test_a_vocabulary_too_small_for_any_probability(basis):
    weights = predicted_weights(basis, 1, 0.01, 3, 64, initialisation=Gaussian(1e-9))
    assert (weights.failure, weights.probability) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0.0,), "spread must be a positive number, found 0.0"),
        ((-1.0,), "spread must be a positive number, found -1.0"),
        ((float("inf"),), "spread must be a positive number, found inf"),
        (("1",), "spread must be a positive number, found '1'"),
        ((1.0, float("nan")), "exponent must be a finite number, found nan"),
    ],
)
def test_a_gaussian_that_is_none(numbers, message):
    with pytest.raises(InputError, match=message):
        Gaussian(*numbers)


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
        ({"initialisation": 0.1}, r"initialisation is None \(all zero\) or Gaussian\(...\), found 0.1"),
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
