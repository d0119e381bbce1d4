"""The predicted weights against a small transformer trained by automatic differentiation."""

import numpy as np
import pytest
import torch

from leadterm.theory import predicted_weights
from support.autograd_model import train
from support.dense_theory import count, random_windows

SIZE, LENGTH, WINDOWS, LAYERS, RATE = 40, 24, 64, 3, 0.05


@pytest.fixture(scope="module")
def windows() -> list[list[int]]:
    return random_windows(WINDOWS, LENGTH + 1, SIZE, seed=11)


@pytest.fixture(scope="module")
def basis(windows):
    return count(windows, SIZE).basis()


def compare(trained: torch.Tensor, predicted: torch.Tensor) -> tuple[float, float]:
    """Return the cosine and the ratio of norms."""
    norms = trained.norm(), predicted.norm()
    return float((trained * predicted).sum() / (norms[0] * norms[1])), float(norms[0] / norms[1])


# The theory leaves out terms of relative size s eta / V: at most 10 * 0.05 / 40 = 1.3 % in norm, in practice a third
# of it (section 7: 0.05 % at s = 3). Their part across the prediction is smaller, so the cosine is 1 - O(1e-6).
@pytest.mark.parametrize("steps", [3, 4, 10])
def test_output_and_value_are_predicted(windows, basis, steps):
    trained = train(torch.tensor(windows), SIZE, LAYERS, steps, RATE)
    predicted = predicted_weights(basis, steps, RATE, LAYERS, LENGTH)
    pairs = [(trained.output, predicted.output), *((layer, predicted.value) for layer in trained.value)]
    for weight, operator in pairs:
        cosine, ratio = compare(weight, operator.to_dense())
        assert cosine >= 0.99999
        assert abs(ratio - 1) <= 0.01


def test_the_other_orientation_is_not_what_training_gives(windows, basis):
    """The comparison can fail: a transposed prediction has the same norm and shape, and is far off."""
    trained = train(torch.tensor(windows), SIZE, LAYERS, 4, RATE)
    predicted = predicted_weights(basis, 4, RATE, LAYERS, LENGTH)
    assert compare(trained.output, predicted.output.T.to_dense())[0] < 0.9
    assert compare(trained.value[0], predicted.value.T.to_dense())[0] < 0.9


@pytest.mark.parametrize("steps", [2, 4])
def test_within_the_theorem_the_bounds_hold(steps):
    size, length, layers, rate = 500, 64, 2, 0.01
    windows = random_windows(3, length + 1, size, seed=5)
    trained = train(torch.tensor(windows), size, layers, steps, rate)
    predicted = predicted_weights(count(windows, size).basis(), steps, rate, layers, length)
    assert predicted.within_theorem, predicted.conditions
    assert np.linalg.norm(trained.output - predicted.output.to_dense()) <= predicted.bounds.output
    for layer in trained.value:
        assert np.linalg.norm(layer - predicted.value.to_dense()) <= predicted.bounds.value
        assert np.linalg.norm(layer) > 0
