"""Predictions for other optimizers and orders: what is said of them, and what is refused."""

import math

import pytest

from leadterm.errors import InputError
from leadterm.theory import Adam, AdamW, GradientDescent, SignDescent, predicted_weights, score_functions
from leadterm.theory.descent import Descent
from support.dense_optimizers import attention_for, next_order_counts
from support.dense_theory import count, random_windows

SIZE, LENGTH = 6, 8
WINDOWS = random_windows(5, LENGTH + 1, SIZE, seed=4)


@pytest.fixture(scope="module")
def basis():
    return count(WINDOWS, SIZE).basis()


def attention(basis, optimizer, rate=1e-3, steps=4):
    functions = score_functions(Descent(steps, rate, 1, LENGTH, optimizer=optimizer))
    return attention_for(functions, basis, WINDOWS, LENGTH)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(eps=-1e-8), "eps must be a finite number of at least 0, found -1e-08"),
        (lambda: Adam(eps=math.nan), "eps must be a finite number of at least 0, found nan"),
        (lambda: Adam(eps="1e-8"), "eps must be a finite number of at least 0, found '1e-8'"),
        (lambda: Adam(betas=(0.9, 1.0)), r"each at least 0 and less than 1, found \(0.9, 1.0\)"),
        (lambda: Adam(betas=(-0.1, 0.9)), "betas must be two numbers"),
        (lambda: Adam(betas=(0.9,)), "betas must be two numbers"),
        (lambda: Adam(betas=0.9), "betas must be two numbers, each at least 0 and less than 1, found 0.9"),
        (lambda: AdamW(weight_decay=-1), "weight_decay must be a finite number of at least 0, found -1"),
        (lambda: AdamW(eps=-1), "eps must be"),
    ],
)
def test_settings_of_an_optimizer_out_of_range(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("optimizer", ["adam", Adam, None, 1])
def test_an_optimizer_that_is_not_known(basis, optimizer):
    with pytest.raises(InputError, match=r"optimizer must be GradientDescent\(\), Adam\(...\), AdamW\(...\) or SignD"):
        predicted_weights(basis, 4, 1e-3, 1, LENGTH, optimizer=optimizer)


@pytest.mark.parametrize("order", [0, 3, "2", True])
def test_an_order_that_there_is_not(basis, order):
    with pytest.raises(InputError, match=r"order must be 1 \(leading terms\) or 2"):
        predicted_weights(basis, 4, 1e-3, 1, LENGTH, order=order)


def test_the_second_order_without_its_counts(basis):
    with pytest.raises(InputError, match=r"were not counted: set theory.order to 2 in the config and count again"):
        predicted_weights(basis, 4, 1e-3, 1, LENGTH, order=2)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), SignDescent()])
def test_nothing_is_proved_for_other_optimizers(basis, optimizer):
    weights = predicted_weights(basis, 4, 1e-3, 2, LENGTH, optimizer=optimizer)
    assert not weights.has_bounds
    assert not weights.within_theorem
    assert (weights.conditions, weights.probability) == ((), 0.0)
    with pytest.raises(InputError, match=r"no bound is proved for (Adam|Sign)"):
        _ = weights.bounds


def test_nothing_is_proved_of_the_second_order():
    counts = count(WINDOWS, SIZE)
    basis = counts.basis(next_order=next_order_counts(WINDOWS, counts))
    weights = predicted_weights(basis, 4, 1e-3, 2, LENGTH, order=2)
    assert not weights.has_bounds
    with pytest.raises(InputError, match="no bound is proved for GradientDescent"):
        _ = weights.bounds
    assert [value.name for value in weights.value] == ["V_1", "V_2"]
    assert weights.value_of(2) is weights.value[1]
    with pytest.raises(InputError, match="layer must be 1 to 2, found 3"):
        weights.value_of(3)


def test_how_far_training_has_gone(basis):
    assert predicted_weights(basis, 4, 1e-3, 1, LENGTH).extent == pytest.approx(4e-3)
    assert predicted_weights(basis, 4, 1e-3, 1, LENGTH, optimizer=Adam()).extent == pytest.approx(4e-3 * SIZE)


def test_attention_terms_of_another_optimizer(basis):
    with pytest.raises(InputError, match=r"of an optimizer with eps=1e-08, and those of gradient descent are needed"):
        predicted_weights(basis, 4, 1e-3, 1, LENGTH, attention(basis, Adam()))
    with pytest.raises(InputError, match=r"with eps=1e-08, and those of an optimizer with eps=1e-05 are needed"):
        predicted_weights(basis, 4, 1e-3, 1, LENGTH, attention(basis, Adam()), optimizer=Adam(eps=1e-5))


def test_attention_terms_counted_for_other_steps_are_used_and_say_how_far_they_fit(basis):
    own = predicted_weights(basis, 6, 1e-3, 1, LENGTH, attention(basis, Adam(), steps=6), optimizer=Adam())
    other = predicted_weights(basis, 6, 1e-3, 1, LENGTH, attention(basis, Adam(), 1e-5), optimizer=Adam())
    assert [math.isnan(share.cosine) for share in own.shares] == [True, True, False, False, False, False]
    assert all(share.cosine > 0.99 for share in own.shares[2:])
    assert all(share.cosine > 0.9 for share in other.shares[2:])
    cosine = own.query_key.inner(other.query_key) / own.query_key.frobenius_norm() / other.query_key.frobenius_norm()
    assert cosine > 0.99


def test_few_steps_leave_the_later_weights_at_zero(basis):
    for steps, kinds in ((0, ("output", "value", "query_key")), (1, ("value", "query_key")), (2, ("query_key",))):
        for optimizer in (Adam(), SignDescent()):
            terms = attention(basis, optimizer, steps=4)
            weights = predicted_weights(basis, steps, 1e-3, 1, LENGTH, terms, optimizer=optimizer)
            for kind in kinds:
                assert getattr(weights, kind).frobenius_norm() == 0


def test_adam_without_means_and_eps_is_sign_descent(basis):
    terms = attention(basis, SignDescent())
    found = predicted_weights(basis, 5, 1e-3, 1, LENGTH, terms, optimizer=Adam((0.0, 0.0), 0.0))
    expected = predicted_weights(basis, 5, 1e-3, 1, LENGTH, terms, optimizer=SignDescent())
    for kind in ("output", "value", "query_key"):
        assert (getattr(found, kind) - getattr(expected, kind)).frobenius_norm() <= 1e-15
    sizes = found.value.to_dense().abs()
    assert sizes[sizes > 0].max() == sizes[sizes > 0].min() == pytest.approx(4e-3)


def test_gradient_descent_is_the_default(basis):
    named = predicted_weights(basis, 4, 1e-3, 1, LENGTH, optimizer=GradientDescent())
    assert named.bounds == predicted_weights(basis, 4, 1e-3, 1, LENGTH).bounds
