"""A sum of operators."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from leadterm.operators.operator import Operator
from leadterm.operators.operator_checks import require_same_space


class SumOperator(Operator, composes="sum"):
    """The matrix A + B + ...; the result of ``a + b`` and ``a - b``. Sums of sums are one flat list.

    Raises
    ------
    AxisError
        If the operators' axes or shapes differ.
    """

    def __init__(self, terms: Sequence[Operator]) -> None:
        first = terms[0]
        for term in terms[1:]:
            require_same_space(first, term)
        super().__init__(first.shape, first.axes, first.dtype, first.device)
        self.terms: list[Operator] = [
            part for term in terms for part in (term.terms if isinstance(term, SumOperator) else [term])
        ]

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        result = self.terms[0]._matmat(dense)
        for term in self.terms[1:]:
            result += term._matmat(dense)
        return result

    def _transpose(self) -> SumOperator:
        return SumOperator([term.T for term in self.terms])

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        result = self.terms[0]._rows(indices)
        for term in self.terms[1:]:
            result += term._rows(indices)
        return result

    def _row_bytes(self) -> int:
        return self.shape[1] * self.dtype.itemsize + max(term._row_bytes() for term in self.terms)

    def _terms(self) -> list[tuple[float, Operator]]:
        return [pair for term in self.terms for pair in term._terms()]

    def _expression(self) -> str:
        return f"({' + '.join(term.label for term in self.terms)})"
