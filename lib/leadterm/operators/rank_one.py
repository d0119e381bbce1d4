"""An operator that is a column times a row."""

from __future__ import annotations

import torch

from leadterm.axes import Axis
from leadterm.errors import AxisError
from leadterm.operators.device import resolve_device, resolve_dtype
from leadterm.operators.operator import Operator
from leadterm.operators.operator_checks import Dense, as_vector


class RankOneOperator(Operator):
    """The matrix u v', whose entry (i, j) is u_i v_j.

    Parameters
    ----------
    u : array or tensor, shape (m,)
        One number per row.
    v : array or tensor, shape (n,)
        One number per column.
    axes : tuple of Axis
        The meaning of rows and columns.
    dtype : str or torch.dtype, optional
        float64 (default) or float32.
    device : str or torch.device
        The device of the entries.

    Raises
    ------
    AxisError
        If u or v is not a vector.
    MachineError
        If the device does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> mean = RankOneOperator(np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0]), (Axis.CURRENT, Axis.NEXT))
    >>> mean.rows([1])
    tensor([[ 6.,  8., 10.]], dtype=torch.float64)
    """

    def __init__(
        self,
        u: Dense,
        v: Dense,
        axes: tuple[Axis, Axis],
        *,
        dtype: str | torch.dtype | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        if u.ndim != 1 or v.ndim != 1:
            raise AxisError(
                f"a rank-one operator needs two vectors, found shapes {tuple(u.shape)} and {tuple(v.shape)}."
            )
        number, place = resolve_dtype(dtype), resolve_device(device)
        super().__init__((len(u), len(v)), axes, number, place)
        self._u = as_vector(u, number, place)
        self._v = as_vector(v, number, place)

    @property
    def vectors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """u, shape (m,), and v, shape (n,)."""
        return self._u, self._v

    def _like(self, u: torch.Tensor, v: torch.Tensor, axes: tuple[Axis, Axis]) -> RankOneOperator:
        return RankOneOperator(u, v, axes, dtype=self.dtype, device=self.device)

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        return torch.outer(self._u, self._v @ dense)

    def _transpose(self) -> RankOneOperator:
        return self._like(self._v, self._u, self.axes[::-1])

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        return torch.outer(self._u[indices], self._v)

    def _scaled(self, factor: float) -> RankOneOperator:
        return self._like(factor * self._u, self._v, self.axes)

    def _closed_inner(self, other: Operator) -> float | None:
        """Return u' A v; for another rank-one operator the two dot products, so that a square is never negative."""
        if isinstance(other, RankOneOperator):
            u, v, other_u, other_v = (part.to(torch.float64) for part in (self._u, self._v, other._u, other._v))
            return float(torch.dot(u, other_u)) * float(torch.dot(v, other_v))
        return float(torch.dot(self._u, other._matmat(self._v[:, None])[:, 0]))

    def _closed_row_inner(self, other: Operator) -> torch.Tensor:
        """Return u_i (A v)_i; for another rank-one operator u_i x_i (v'y)."""
        if isinstance(other, RankOneOperator):
            u, v, other_u, other_v = (part.to(torch.float64) for part in (self._u, self._v, other._u, other._v))
            return u * other_u * torch.dot(v, other_v)
        return self._u.to(torch.float64) * other._matmat(self._v[:, None])[:, 0].to(torch.float64)

    def _expression(self) -> str:
        return "rank one"
