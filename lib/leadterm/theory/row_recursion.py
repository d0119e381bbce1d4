"""Weights under Adam to the next order: the optimizer's recursion on gradients in which layers feed back into W_O.

To leading order the negative gradient of W_O is B at every step. The layers add to what W_O reads: with
h = X + sum_l A X V_l it is

    -dloss/dW_O = B + sum_l V_l' Phi' = B + L V' Phi'        [CURRENT x NEXT]
    -dloss/dV   = Phi' W_O'                                  [CONTEXT x CURRENT]

Under gradient descent the second part of the first line is smaller by eta^2. Under Adam it decides early: V has entries
of size eta, whatever its gradient, so that the part is of size eta times a frequency, and B of a rare token is its
frequency over V.

Row a of W_O and column a of V depend on row a of B and on no other: the recursion goes by blocks of rows of W_O and V',
with two products by Phi a step, and nothing of size V x V is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from leadterm.axes import Axis
from leadterm.operators import Operator
from leadterm.operators.row_blocks import WORKSPACE, row_blocks
from leadterm.theory.basis import Basis
from leadterm.theory.descent import Descent
from leadterm.theory.optimizers import Adam, Optimizer

TENSORS = 12
"""Of a block's size that a step holds at once: two weights with two means each, gradients, and what is made of them."""


class Moments:
    """One weight's running means, and the step that an optimizer makes of them.

    Parameters
    ----------
    optimizer : Optimizer
        Another than gradient descent.
    learning_rate : float
        eta.
    weight : torch.Tensor
        What it starts from.
    """

    def __init__(self, optimizer: Optimizer, learning_rate: float, weight: torch.Tensor) -> None:
        self.weight = weight
        self._decay, self._rate = 1 - learning_rate * optimizer.weight_decay, learning_rate
        self._betas = optimizer.betas if isinstance(optimizer, Adam) else (0.0, 0.0)
        self._eps, self._step = optimizer.eps, 0
        self._mean, self._square = torch.zeros_like(weight), torch.zeros_like(weight)

    def advance(self, gradient: torch.Tensor) -> None:
        """Make a step along the negative gradient of the loss."""
        first, second = self._betas
        self._step += 1
        self._mean.mul_(first).add_(gradient, alpha=1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        root = (self._square / (1 - second**self._step)).sqrt_().add_(self._eps)
        moved = self._mean / (1 - first**self._step)
        step = torch.where(root > 0, moved / root, 0.0)
        self.weight = self._decay * self.weight + self._rate * step


@dataclass(frozen=True, eq=False)
class RowRecursion:
    """The recursion over some rows of W_O and V'.

    Attributes
    ----------
    basis : Basis
        Of the corpus.
    descent : Descent
        How it is trained: optimizer, steps, learning rate and layers.
    """

    basis: Basis
    descent: Descent

    def weights(self, rows: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield rows of W_O and of V', after 0, 1, ... s steps: (rows, V), [CURRENT x NEXT] and [CURRENT x CONTEXT]."""
        optimizer, rate, context = self.descent.optimizer, self.descent.learning_rate, self.basis.context
        bigram = self.basis.bigram.rows(rows)
        output = Moments(optimizer, rate, torch.zeros_like(bigram))
        value = Moments(optimizer, rate, bigram.new_zeros(len(bigram), context.shape[1]))
        yield output.weight, value.weight
        for _ in range(self.descent.steps):
            fed_back = (context @ value.weight.T).T if value.weight.any() else 0.0
            gradients = bigram + self.descent.layers * fed_back, (context.T @ output.weight.T).T
            output.advance(gradients[0])
            value.advance(gradients[1])
            yield output.weight, value.weight

    def last(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return rows of W_O and V' after all steps."""
        return deque(self.weights(rows), maxlen=1).pop()

    def row_bytes(self) -> int:
        """Return the memory that a row takes."""
        return TENSORS * self.basis.bigram.shape[1] * self.basis.bigram.dtype.itemsize


class RecursionOperator(Operator):
    """W_O or V' of a recursion, computed by blocks of rows.

    Rows cost two products by Phi a step. Columns, and applying it, take all rows, a block at a time.

    Parameters
    ----------
    recursion : RowRecursion
        Which.
    number : {0, 1}
        0: W_O, [CURRENT x NEXT]. 1: V', [CURRENT x CONTEXT].
    """

    def __init__(self, recursion: RowRecursion, number: int) -> None:
        bigram = recursion.basis.bigram
        axes = (Axis.CURRENT, Axis.CONTEXT) if number else bigram.axes
        super().__init__(bigram.shape, axes, bigram.dtype, bigram.device)
        self.recursion, self.number = recursion, number

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        result = dense.new_empty(self.shape[0], dense.shape[1])
        for indices in row_blocks(self, self._row_bytes(), WORKSPACE):
            result[indices] = self._rows(indices) @ dense
        return result

    def _transpose(self) -> Operator:
        return TransposedRecursion(self)

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        return self.recursion.last(indices)[self.number]

    def _row_bytes(self) -> int:
        return self.recursion.row_bytes()

    def _expression(self) -> str:
        return "recursion"


class TransposedRecursion(Operator):
    """The transpose of one: its rows are columns, of which every call computes all rows.

    Parameters
    ----------
    operator : RecursionOperator
        Of which it is the transpose.
    """

    def __init__(self, operator: RecursionOperator) -> None:
        super().__init__(operator.shape[::-1], operator.axes[::-1], operator.dtype, operator.device)
        self.operator = operator

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        result = dense.new_zeros(self.shape[0], dense.shape[1])
        for indices in self._blocks():
            result += self.operator._rows(indices).T @ dense[indices]
        return result

    def _transpose(self) -> Operator:
        return self.operator

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        result = torch.empty(len(indices), self.shape[1], dtype=self.dtype, device=self.device)
        for block in self._blocks():
            result[:, block] = self.operator._rows(block)[:, indices].T
        return result

    def _blocks(self) -> Iterator[torch.Tensor]:
        yield from row_blocks(self.operator, self.operator._row_bytes(), WORKSPACE)

    def _expression(self) -> str:
        return "recursion.T"
