"""Weights under Adam, from the recursion of the optimizer itself run on the predicted gradients.

The negative gradient of each weight at each step follows from the weights predicted so far (phi is the step that the
optimizer makes of a gradient, entry by entry):

    output       B at every step, so that W_O after k steps is c_k phi(B)
    value        Phi' W_O' = c_k U, with U = Phi' phi(B)', [CONTEXT x CURRENT]: V after k steps is f_k(U)
    attention    the attention terms of the scores G_k = (W_O - rows' means)' V' = c_k (phi(B) - means)' f_k(U)',
                 [NEXT x CONTEXT]

The rows' means of W_O are the part (1/V) 1 1' of the loss's gradient Y - softmax: they vanish under gradient descent,
whose B has rows that sum to 0, and are most of G_k under Adam. (In the second line Phi has columns that sum to 0.)

The functions f_k of one entry are known in closed form (`Saturation`). Only the last line needs a composition and a
pass over the corpus, and with eps > 0 it would need one for each step, because the shape of f_k(U) depends on k. One
is made instead, of the weighted mean of the c_k f_k in which the weight of a step is that which the optimizer gives
its gradient where eps is far above it: there W is linear in the gradients, and the mean is exact. Where eps is far
below, all f_k are multiples of the sign, and it is exact again. In between, the gradient of step k is taken to be the
multiple of the mean that is nearest to it (`Share`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from leadterm.operators import EntrywiseOperator, Operator
from leadterm.theory.basis import Basis
from leadterm.theory.descent import Descent
from leadterm.theory.optimizers import Optimizer
from leadterm.theory.saturated_bigram import saturated_bigram
from leadterm.theory.saturation import Saturation

SAMPLED_ROWS = 64
"""Rows of U, evenly spaced, from which shares are taken: 3 million entries at V = 49,152."""


@dataclass(frozen=True)
class Share:
    """How much of one matrix of scores is in another.

    Attributes
    ----------
    multiple : float
        <a, b> / <b, b>: the multiple of b that is nearest to a.
    cosine : float
        Of a and b; 1 if a is exactly this multiple, nan if a is zero.
    """

    multiple: float
    cosine: float


@dataclass(frozen=True)
class Recursion:
    """The predicted weights as functions of the basis functions' entries.

    Attributes
    ----------
    phi : Saturation
        The step for a constant gradient, divided by eta.
    output : tuple of float, s + 1 numbers
        c_k: W_O after k steps is c_k phi(B).
    value : tuple of Saturation, s + 1 functions
        f_k: V after k steps is f_k(U).
    optimizer : Optimizer
        The optimizer, with its settings.
    learning_rate : float
        eta.
    """

    phi: Saturation
    output: tuple[float, ...]
    value: tuple[Saturation, ...]
    optimizer: Optimizer
    learning_rate: float

    @classmethod
    def of(cls, descent: Descent) -> Recursion:
        """Run the recursion for output and value."""
        optimizer, rate = descent.optimizer, descent.learning_rate
        decay = 1 - rate * optimizer.weight_decay
        output = [0.0]
        for _ in range(descent.steps):
            output.append(decay * output[-1] + rate)
        phi = Saturation.of(optimizer.moments([1.0]), optimizer.eps)
        value = weights_after_steps(optimizer, rate, output[:-1])
        return cls(phi, tuple(output), tuple(value), optimizer, rate)

    @property
    def steps(self) -> int:
        """The number of steps, s."""
        return len(self.output) - 1

    def shape(self) -> Saturation:
        """Return the function of U whose scores represent those of all steps; the sign if eps is 0.

        It is zero if no step moves the attention weights, that is for s < 3.
        """
        if self.optimizer.eps == 0:
            return Saturation.of([(1.0, 1.0)], 0.0)
        weights = linear_weights(self.optimizer, self.learning_rate, self.steps)
        total = math.fsum(w for w, f in zip(weights, self.value, strict=False) if f.limit or f.slope)
        return Saturation.of(
            [
                (weight / total * scale * gain, function_scale)
                for weight, scale, function in zip(weights, self.output, self.value, strict=False)
                for gain, function_scale in zip(function.gains, function.scales, strict=True)
                if total > 0
            ],
            self.optimizer.eps,
        )

    def shares(self, gradients: torch.Tensor, shape: Saturation) -> list[Share]:
        """Return the shares of the scores of a shape in those of steps 1 to s, from entries of U."""
        reference = shape(gradients)
        return [
            share_of(scale * function(gradients), reference)
            for scale, function in zip(self.output[:-1], self.value[:-1], strict=True)
        ]


def value_gradient(basis: Basis, phi: Saturation) -> Operator:
    """Return U = Phi' phi(B)', [CONTEXT x CURRENT], never multiplied out: the value matrix with phi(B) for B."""
    return (basis.context.T @ saturated_bigram(basis, phi).T).named("U")


def value_weight(gradient: Operator, function: Saturation) -> Operator:
    """Return V = f(U), [CONTEXT x CURRENT], which is applied and read by blocks of rows."""
    return EntrywiseOperator(function, gradient).named("V")


def sampled_entries(gradient: Operator) -> torch.Tensor:
    """Return some rows of U as a sample of all: (rows, V)."""
    return gradient.rows(sampled_rows(gradient.shape[0]))


def sampled_rows(size: int) -> list[int]:
    """Return the numbers of some rows, evenly spaced."""
    count = min(size, SAMPLED_ROWS)
    return [(2 * i + 1) * size // (2 * count) for i in range(count)]


def weights_after_steps(optimizer: Optimizer, learning_rate: float, scales: Sequence[float]) -> list[Saturation]:
    """Return the functions of g that give a weight after 0, 1, ... steps with gradients -c_1 g, -c_2 g, ....

    Parameters
    ----------
    optimizer : Optimizer
        With its settings.
    learning_rate : float
        eta.
    scales : sequence of float
        c_1 ... c_s.

    Returns
    -------
    list of Saturation
        s + 1 functions; the first is zero.
    """
    decay = 1 - learning_rate * optimizer.weight_decay
    terms: list[tuple[float, float]] = []
    found = [Saturation.of(terms, optimizer.eps)]
    for mean, root in optimizer.moments(scales):
        terms = [(decay * gain, scale) for gain, scale in terms]
        terms.append((learning_rate * mean, root))
        found.append(Saturation.of(terms, optimizer.eps))
    return found


def linear_weights(optimizer: Optimizer, learning_rate: float, steps: int) -> list[float]:
    """Return what the gradients of steps 1 to s weigh in the last weight, where eps is far above them."""
    decay = 1 - learning_rate * optimizer.weight_decay
    found = []
    for k in range(steps):
        means = optimizer.moments([float(j == k) for j in range(steps)])
        found.append(math.fsum(decay ** (steps - j) * mean for j, (mean, _) in enumerate(means, start=1)))
    return found


def share_of(one: torch.Tensor, reference: torch.Tensor) -> Share:
    """Return the share of a reference in a tensor, by way of unit vectors, since squares of tiny entries are 0."""
    one, reference = one.to(torch.float64), reference.to(torch.float64)
    lengths = [float(torch.linalg.vector_norm(part)) for part in (one, reference)]
    if not all(lengths):
        return Share(0.0, math.nan)
    cosine = float(torch.sum((one / lengths[0]) * (reference / lengths[1])))
    return Share(cosine * lengths[0] / lengths[1], cosine)
