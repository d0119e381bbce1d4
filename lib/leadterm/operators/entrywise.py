"""A function of every entry of an operator."""

from __future__ import annotations

from typing import Protocol

import torch

from leadterm.operators.operator import Operator
from leadterm.operators.row_blocks import WORKSPACE, row_blocks


class EntryFunction(Protocol):
    """A function from numbers to numbers that is applied to tensors entry by entry."""

    temporaries: int
    """Number of tensors of its argument's size that it holds at once, the result included."""

    def __call__(self, entries: torch.Tensor) -> torch.Tensor:
        """Return a new tensor of the same shape, dtype and device."""


class EntrywiseOperator(Operator):
    """The matrix f(A), whose entry (i, j) is f(A_ij).

    A function of a product has full rank, so it is neither stored nor factored: its rows are computed from those of A,
    a block at a time, and it is also applied block by block. Applying it costs as much as computing all of A.

    Parameters
    ----------
    function : EntryFunction
        f.
    operator : Operator, shape (m, n)
        A.

    Examples
    --------
    >>> import numpy as np
    >>> from leadterm.axes import Axis
    >>> from leadterm.operators import RankOneOperator
    >>> class Sign:
    ...     temporaries = 1
    ...     def __call__(self, entries):
    ...         return torch.sign(entries)
    >>> value = RankOneOperator(np.array([1.0, -2.0]), np.array([3.0, 0.0, -5.0]), (Axis.CONTEXT, Axis.CURRENT))
    >>> EntrywiseOperator(Sign(), value).to_dense()
    tensor([[ 1.,  0., -1.],
            [-1.,  0.,  1.]], dtype=torch.float64)
    """

    def __init__(self, function: EntryFunction, operator: Operator) -> None:
        super().__init__(operator.shape, operator.axes, operator.dtype, operator.device)
        self.function = function
        self.operator = operator

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        result = torch.empty(self.shape[0], dense.shape[1], dtype=self.dtype, device=self.device)
        for indices in row_blocks(self, self._row_bytes(), WORKSPACE):
            result[indices] = self._rows(indices) @ dense
        return result

    def _transpose(self) -> EntrywiseOperator:
        return EntrywiseOperator(self.function, self.operator.T)

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        return self.function(self.operator._rows(indices))

    def _row_bytes(self) -> int:
        """Count the operand's row while it is computed, then the row and the function's arrays."""
        held = (1 + self.function.temporaries) * self.shape[1] * self.dtype.itemsize
        return max(self.operator._row_bytes(), held)

    def _expression(self) -> str:
        return f"{self.function}({self.operator.label})"
