"""A product of operators."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from leadterm.operators.operator import Operator
from leadterm.operators.operator_checks import require_contractible


class ProductOperator(Operator, composes="product"):
    """The matrix A B C ..., never multiplied out; the result of ``a @ b``. Products of products are one flat list.

    It is applied from the right, A (B (C x)), and its rows are built from the left, ((x' A) B) C, so that every
    intermediate is as narrow as the result.

    Raises
    ------
    AxisError
        If the columns of a factor and the rows of the next differ in meaning or size.
    """

    def __init__(self, factors: Sequence[Operator]) -> None:
        for left, right in pairwise(factors):
            require_contractible(left, right)
        first, last = factors[0], factors[-1]
        super().__init__((first.shape[0], last.shape[1]), (first.axes[0], last.axes[1]), first.dtype, first.device)
        self.factors: list[Operator] = [
            part for one in factors for part in (one.factors if isinstance(one, ProductOperator) else [one])
        ]

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        for factor in reversed(self.factors):
            dense = factor._matmat(dense)
        return dense

    def _transpose(self) -> ProductOperator:
        return ProductOperator([factor.T for factor in reversed(self.factors)])

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        columns = self.factors[0]._rows(indices).T
        for factor in self.factors[1:]:
            columns = factor.T._matmat(columns)
        return columns.T

    def _row_bytes(self) -> int:
        """Count the memory of a step: its input, its result, and one more of each inside sums and multiples."""
        steps = (2 * sum(factor.shape) * self.dtype.itemsize for factor in self.factors[1:])
        return max(self.factors[0]._row_bytes(), *steps)

    def _expression(self) -> str:
        return " @ ".join(factor.label for factor in self.factors)
