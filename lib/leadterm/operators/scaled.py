"""A number times an operator."""

from __future__ import annotations

import math

import torch

from leadterm.errors import InputError
from leadterm.operators.operator import Operator


class ScaledOperator(Operator, composes="scaled"):
    """The matrix c A for a finite number c; the result of ``2 * a``, ``a / 3`` and ``-a``."""

    def __init__(self, factor: float, operator: Operator) -> None:
        if not math.isfinite(factor):
            raise InputError(f"{operator!r} cannot be scaled by {factor}: the factor must be finite.")
        super().__init__(operator.shape, operator.axes, operator.dtype, operator.device)
        self.factor = factor
        self.operator = operator

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        return self.factor * self.operator._matmat(dense)

    def _transpose(self) -> ScaledOperator:
        return ScaledOperator(self.factor, self.operator.T)

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        return self.factor * self.operator._rows(indices)

    def _row_bytes(self) -> int:
        return self.shape[1] * self.dtype.itemsize + self.operator._row_bytes()

    def _terms(self) -> list[tuple[float, Operator]]:
        return [(self.factor * factor, term) for factor, term in self.operator._terms()]

    def _scaled(self, factor: float) -> ScaledOperator:
        return ScaledOperator(factor * self.factor, self.operator)

    def _expression(self) -> str:
        return f"({self.factor:g} * {self.operator.label})"
