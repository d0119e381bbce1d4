"""An operator with renamed axes."""

from __future__ import annotations

import torch

from leadterm.axes import Axis
from leadterm.operators.operator import Operator


class RelabelledOperator(Operator):
    """The same matrix with other axes.

    In a model of several layers, the coordinates that one layer writes are those that the next one reads. There, and
    only there, two axis names mean the same, and a formula has to state this explicitly.

    Parameters
    ----------
    operator : Operator, shape (m, n)
        The matrix.
    axes : tuple of Axis
        The new meaning of rows and columns.

    Examples
    --------
    >>> import numpy as np
    >>> from leadterm.operators import RankOneOperator
    >>> written = RankOneOperator(np.ones(2), np.ones(2), (Axis.CONTEXT, Axis.CURRENT)).named("value")
    >>> RelabelledOperator(written, (Axis.CONTEXT, Axis.CONTEXT))
    value [CONTEXT x CONTEXT], 2 x 2, float64 on cpu
    """

    def __init__(self, operator: Operator, axes: tuple[Axis, Axis]) -> None:
        super().__init__(operator.shape, axes, operator.dtype, operator.device)
        self.operator = operator

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        return self.operator._matmat(dense)

    def _transpose(self) -> RelabelledOperator:
        return RelabelledOperator(self.operator.T, self.axes[::-1])

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        return self.operator._rows(indices)

    def _row_bytes(self) -> int:
        return self.operator._row_bytes()

    def _expression(self) -> str:
        return self.operator.label
