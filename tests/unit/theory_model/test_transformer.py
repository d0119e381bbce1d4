"""The model against the dense one of the oracle tests, which multiplies one-hot matrices."""

import numpy as np
import pytest
import torch

from leadterm.errors import InputError
from leadterm.theory_model import Batch, PackedWindows, Transformer
from leadterm.theory_model.transformer import KINDS
from support.autograd_model import forward
from support.predictions import small_corpus

SIZE, LENGTH = 9, 6
ROUNDING = 1e-13
"""Sums of fewer than 100 products of numbers near 1 in float64: 100 * 1.1e-16, with some room."""


def random_model(layers=3, seed=0, scale=0.7) -> Transformer:
    """Weights far from zero, so that each term of the equation matters."""
    model = Transformer(SIZE, LENGTH, layers)
    model.initialise(scale * SIZE, 0.0, seed)
    return model


def loss_of(model: Transformer, batch: Batch) -> float:
    return float(model.loss_sum(batch).detach())


def oracle_logits(model: Transformer, tokens: torch.Tensor) -> torch.Tensor:
    one_hot = torch.nn.functional.one_hot(tokens, SIZE).to(torch.float64)
    return forward(one_hot, model.output, list(model.value), list(model.query_key), list(model.position))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logits_are_those_of_one_hot_matrices(layers):
    model = random_model(layers)
    tokens = torch.tensor(np.random.default_rng(1).integers(SIZE, size=(4, 5)))
    difference = (model(tokens) - oracle_logits(model, tokens)).abs().max()
    assert difference <= ROUNDING * oracle_logits(model, tokens).abs().max()


def test_the_loss_and_its_gradients_are_those_of_each_window_alone():
    model, windows = random_model(), small_corpus()
    packed = PackedWindows(windows, SIZE, LENGTH)
    assert len({len(window) for window in windows}) > 2
    model.loss_sum(packed.batch(range(len(windows)))).backward()
    found = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    total = 0.0
    for window in windows:
        logits = oracle_logits(model, torch.tensor([window[:-1]]))[0]
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(window[1:]), reduction="sum")
        loss.backward()
        total += float(loss.detach())
    assert loss_of(model, packed.batch(range(len(windows)))) == pytest.approx(total, rel=1e-13)
    for gradient, weight in zip(found, model.parameters(), strict=True):
        assert (gradient - weight.grad).norm() <= ROUNDING * weight.grad.norm()
        assert weight.grad.norm() > 0


def test_what_stands_behind_a_windows_end_changes_nothing():
    model, packed = random_model(), PackedWindows([[1, 2], [3, 4, 5, 6]], SIZE, LENGTH)
    batch = packed.batch([0, 1])
    before = loss_of(model, batch)
    batch.inputs[0, 1:] = 7
    assert loss_of(model, batch) == pytest.approx(before, rel=1e-15)


def test_weights_come_in_the_order_of_the_table():
    named = [(kind, layer, tuple(weight.shape)) for kind, layer, weight in random_model(2).weights()]
    assert named[0] == ("output", None, (SIZE, SIZE))
    assert [kind for kind, _, _ in named] == ["output", *(kind for kind in KINDS[1:] for _ in range(2))]
    assert named[-1] == ("position", 2, (LENGTH,))


def test_gaussian_weights_have_the_theorems_spread():
    size, spread, exponent = 200, 3.0, 0.5
    model = Transformer(size, 4, 1)
    model.initialise(spread, exponent, seed=1)
    again = Transformer(size, 4, 1, dtype=torch.float32)
    again.initialise(spread, exponent, seed=1)
    # 40,000 numbers: the deviation is found to 1/sqrt(80,000) = 0.35 %; six of those.
    assert float(model.output.detach().std()) == pytest.approx(spread / size**1.5, rel=0.022)
    assert torch.equal(model.output.to(torch.float32), again.output)
    again.initialise(spread, exponent, seed=2)
    assert not torch.equal(model.output.to(torch.float32), again.output)


@pytest.mark.parametrize("name", ["vocabulary_size", "context_length", "layers"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(InputError, match=f"{name} is 0: a model needs at least 1"):
        Transformer(**{"vocabulary_size": 2, "context_length": 2, "layers": 1, name: 0})
