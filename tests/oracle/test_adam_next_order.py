"""The next order under Adam: what layers feed back into W_O, against torch's optimizers and the dense recursion."""

from functools import cache

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.operators import SparseOperator
from leadterm.theory import Adam, AdamW, Attention, SignDescent, next_order_scores, predicted_weights, score_functions
from leadterm.theory.descent import Descent
from support.autograd_model import train
from support.dense_attention import dense_attention
from support.dense_optimizers import attention_for, torch_optimizer
from support.dense_theory import count, random_windows
from support.markov import markov_documents

SIZE, LENGTH, LAYERS = 40, 24, 3
RANDOM = random_windows(64, LENGTH + 1, SIZE, seed=11)


def skewed(seed: int = 5) -> list[list[int]]:
    """Frequent and rare tokens as in a text: what a chain draws, half of it replaced by Zipf's frequencies."""
    random = np.random.default_rng(seed)
    windows = markov_documents(random, 64, SIZE, (LENGTH + 1, LENGTH + 2), 0.2)
    zipf = 1 / np.arange(1, SIZE + 1) ** 1.3
    often = random.choice(SIZE, size=(64, LENGTH + 1), p=zipf / zipf.sum())
    return [np.where(random.random(len(w)) < 0.7, often[i], w).tolist() for i, w in enumerate(windows)]


@cache
def basis_of(kind: str):
    windows = RANDOM if kind == "random" else skewed()
    return windows, count(windows, SIZE).basis()


def attention_of(kind, descent) -> Attention:
    windows, basis = basis_of(kind)
    scores, _, shares = next_order_scores(basis, descent)
    query_key, position = dense_attention(windows, scores.numpy(), LENGTH)
    matrix = SparseOperator(sparse.csr_array(query_key), (Axis.CURRENT, Axis.CONTEXT))
    return Attention(matrix, torch.from_numpy(position), descent=descent, shares=tuple(shares))


def predict(kind, optimizer, rate, steps, order=2):
    windows, basis = basis_of(kind)
    descent = Descent(steps, rate, LAYERS, LENGTH, optimizer=optimizer, order=order)
    if order == 2:
        attention = attention_of(kind, descent)
    else:
        attention = attention_for(score_functions(descent), basis, windows, LENGTH)
    return predicted_weights(basis, steps, rate, LAYERS, LENGTH, attention, optimizer=optimizer, order=order)


@cache
def trained(kind, optimizer, rate, steps):
    make = torch_optimizer(optimizer, rate)
    return train(torch.tensor(basis_of(kind)[0]), SIZE, LAYERS, steps, rate, make_optimizer=make)


def cosines(found, predicted) -> dict[str, float]:
    """Return the least cosine of each kind of weight."""
    result = {}
    for kind in ("output", "value", "query_key", "position"):
        term = getattr(predicted, kind)
        dense = term if isinstance(term, torch.Tensor) else term.to_dense()
        weights = [found.output] if kind == "output" else getattr(found, kind)
        result[kind] = min(float((w / w.norm() * (dense / dense.norm())).sum()) for w in weights)
    return result


@pytest.mark.parametrize("kind", ["random", "skewed"])
@pytest.mark.parametrize(
    ("optimizer", "rate", "steps"),
    [(Adam(), 1e-3, 4), (Adam(), 1e-3, 8), (Adam(eps=1e-5), 1e-3, 8), (AdamW(eps=1e-6, weight_decay=20.0), 3e-4, 5)],
)
def test_what_layers_feed_back_is_most_of_what_the_leading_terms_leave_of_the_output(kind, optimizer, rate, steps):
    found = trained(kind, optimizer, rate, steps)
    leading, further = (cosines(found, predict(kind, optimizer, rate, steps, order)) for order in (1, 2))
    for weight, cosine in further.items():
        assert cosine >= leading[weight] - 1e-3, (weight, leading, further)
    assert 1 - further["output"] <= 0.2 * (1 - leading["output"]) + 1e-6, (leading, further)


def test_sign_descent():
    found = trained("skewed", SignDescent(), 1e-4, 4)
    leading, further = (cosines(found, predict("skewed", SignDescent(), 1e-4, 4, order)) for order in (1, 2))
    assert 1 - further["output"] < 0.2 * (1 - leading["output"]), (leading, further)


@pytest.mark.parametrize("optimizer", [Adam(eps=1e-6), AdamW(eps=1e-6, weight_decay=9.0), SignDescent()])
def test_operators_are_the_dense_recursion(optimizer):
    """B + L V' Phi' and Phi' W_O' as dense matrices, with torch's own steps."""
    windows, basis = basis_of("skewed")
    bigram, context = count(windows, SIZE).uniform()
    weights = [torch.zeros(SIZE, SIZE, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    steps = torch_optimizer(optimizer, 1e-3)(weights)
    for _ in range(5):
        output, value = (weight.detach().clone() for weight in weights)
        weights[0].grad = -(torch.from_numpy(bigram) + LAYERS * value.T @ torch.from_numpy(context).T)
        weights[1].grad = -(torch.from_numpy(context).T @ output.T)
        steps.step()
    found = predicted_weights(basis, 5, 1e-3, LAYERS, LENGTH, optimizer=optimizer, order=2)
    block = np.random.default_rng(0).standard_normal((SIZE, 3))
    for operator, weight in ((found.output, weights[0].detach()), (found.value, weights[1].detach())):
        tolerance = 1e-10 * float(weight.norm())
        assert (operator.to_dense() - weight).norm() <= tolerance
        assert (operator.rows([3, 0, 3]) - weight[[3, 0, 3]]).norm() <= tolerance
        assert (operator.columns([5, 7]) - weight[:, [5, 7]]).norm() <= tolerance
        assert np.linalg.norm(operator @ block - weight.numpy() @ block) <= 10 * tolerance
        assert np.linalg.norm(operator.T @ block - weight.numpy().T @ block) <= 10 * tolerance
    assert (found.output.axes, found.value.axes) == ((Axis.CURRENT, Axis.NEXT), (Axis.CONTEXT, Axis.CURRENT))


def test_terms_of_another_training_are_not_used():
    descent = Descent(5, 1e-3, LAYERS, LENGTH, optimizer=Adam(), order=2)
    attention = attention_of("random", descent)
    basis = basis_of("random")[1]
    for steps, rate, layers, optimizer, used in (
        (5, 1e-3, LAYERS, Adam(), True),
        (4, 1e-3, LAYERS, Adam(), True),
        (6, 1e-3, LAYERS, Adam(), False),
        (5, 1e-4, LAYERS, Adam(), False),
        (5, 1e-3, 2, Adam(), False),
        (5, 1e-3, LAYERS, Adam(eps=1e-7), False),
    ):
        found = predicted_weights(basis, steps, rate, layers, LENGTH, attention, optimizer=optimizer, order=2)
        assert (found.query_key is not None) == used, (steps, rate, layers, optimizer)
