"""Adam's leading terms and the next order of gradient descent from dense formulas, and torch's optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.operators import SparseOperator
from leadterm.theory import Adam, AdamW, Attention, Basis, NextOrderCounts, Optimizer, ScoreFunctions, SignDescent
from support.dense_attention import dense_attention
from support.dense_theory import DenseStatistics


def torch_optimizer(optimizer: Optimizer, rate: float) -> Callable[[list[torch.Tensor]], torch.optim.Optimizer]:
    """Return torch's own implementation, as a function of parameters; sign descent has none, Rprop apart."""
    if isinstance(optimizer, AdamW):
        settings = {"betas": optimizer.betas, "eps": optimizer.eps, "weight_decay": optimizer.weight_decay}
        return partial(torch.optim.AdamW, lr=rate, **settings)
    if isinstance(optimizer, Adam):
        return partial(torch.optim.Adam, lr=rate, betas=optimizer.betas, eps=optimizer.eps)
    if isinstance(optimizer, SignDescent):
        return partial(SignSteps, rate=rate)
    return partial(torch.optim.SGD, lr=rate)


class SignSteps(torch.optim.Optimizer):
    """A step of a fixed size against the sign of each entry's gradient."""

    def __init__(self, parameters: list[torch.Tensor], rate: float) -> None:
        super().__init__(parameters, {"rate": rate})

    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data -= group["rate"] * parameter.grad.sign()


@dataclass(frozen=True)
class DenseWeights:
    """Predicted weights, dense float64, under the names of the axes that the library gives them."""

    output: np.ndarray
    value: np.ndarray
    query_key: np.ndarray
    position: np.ndarray


def recursion(
    windows: Sequence[Sequence[int]],
    counts: DenseStatistics,
    length: int,
    rate: float,
    steps: int,
    step_of: Callable[[int, np.ndarray, dict[str, np.ndarray]], np.ndarray],
) -> DenseWeights:
    """Predict each gradient from the weights predicted so far, and let the optimizer make a step of it.

    The attention terms are counted anew at every step: what the library replaces by one composition.
    """
    bigram, context = counts.uniform()
    size = len(bigram)
    weights = [np.zeros((size, size)) for _ in range(3)] + [np.zeros(length)]
    states: list[dict[str, np.ndarray]] = [{} for _ in weights]
    for step in range(1, steps + 1):
        output, value = weights[:2]
        scores = (output - output.mean(axis=1, keepdims=True)).T @ value.T
        gradients = [bigram, context.T @ output.T, *dense_attention(windows, scores, length)]
        weights = [
            weight + rate * step_of(step, gradient, state)
            for weight, gradient, state in zip(weights, gradients, states, strict=True)
        ]
    return DenseWeights(*weights)


def adam_step(optimizer: Adam) -> Callable[[int, np.ndarray, dict[str, np.ndarray]], np.ndarray]:
    """Return Adam's step as its authors write it (algorithm 1)."""

    def step(number: int, gradient: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
        (first, second), zero = optimizer.betas, np.zeros_like(gradient)
        state["m"] = first * state.get("m", zero) + (1 - first) * gradient
        state["v"] = second * state.get("v", zero) + (1 - second) * gradient**2
        root = np.sqrt(state["v"] / (1 - second**number)) + optimizer.eps
        return np.divide(state["m"] / (1 - first**number), root, out=zero, where=root > 0)

    return step


def attention_for(functions: ScoreFunctions, basis: Basis, windows: Sequence[Sequence[int]], length: int) -> Attention:
    """Count the attention terms of an optimizer's scores."""
    query_key, position = dense_attention(windows, functions.scores(basis).to_dense().numpy(), length)
    operator = SparseOperator(sparse.csr_array(query_key), (Axis.CURRENT, Axis.CONTEXT))
    return Attention(operator, torch.from_numpy(position), functions)


def two_hops(windows: Sequence[Sequence[int]], size: int) -> np.ndarray:
    """Return the sum over positions of A A applied to one-hot contexts, [NEXT x CONTEXT], with A written out."""
    found = np.zeros((size, size))
    for window in windows:
        n = len(window) - 1
        attention = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
        np.add.at(found, (np.array(window[1:])[:, None], np.array(window[:-1])[None, :]), attention @ attention)
    return found


def own_contexts(windows: Sequence[Sequence[int]], size: int) -> np.ndarray:
    """Return the sum of 1/t over positions and their contexts, [CURRENT x CONTEXT]."""
    found = np.zeros((size, size))
    for window in windows:
        for t in range(1, len(window)):
            for token in window[:t]:
                found[window[t - 1], token] += 1 / t
    return found


def next_order_counts(windows: Sequence[Sequence[int]], counts: DenseStatistics) -> NextOrderCounts:
    """Return what the next order needs."""
    hops = two_hops(windows, len(counts.alpha))
    own = own_contexts(windows, len(counts.alpha))
    return NextOrderCounts(sparse.csr_array(hops), hops.sum(axis=0) / counts.n_positions, sparse.csr_array(own))
