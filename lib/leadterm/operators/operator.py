"""The base class: what every operator offers, and the three methods that each kind must define."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any, ClassVar, TypeVar, overload

import numpy as np
import torch

from leadterm.axes import Axis
from leadterm.operators import frobenius
from leadterm.operators import operator_checks as checks
from leadterm.operators import row_blocks as blocks
from leadterm.operators.operator_checks import Indices
from leadterm.operators.row_norms import row_norms

Self = TypeVar("Self", bound="Operator")


class Operator(ABC):
    """A real matrix with named axes that is applied without being stored.

    A kind of operator defines three methods: ``_matmat`` (apply it to a dense matrix), ``_transpose`` and ``_rows``
    (some rows, dense). Everything else follows. ``a @ b``, ``a + b``, ``2 * a`` and ``a.T`` are lazy.

    Parameters
    ----------
    shape : tuple of int
        (m, n): the numbers of rows and columns.
    axes : tuple of Axis
        The meaning of rows and columns.
    dtype : torch.dtype
        float64 or float32.
    device : torch.device
        The device of the entries.

    Examples
    --------
    >>> import numpy as np
    >>> from leadterm.operators import RankOneOperator
    >>> bigram = RankOneOperator(np.array([1.0, 2.0]), np.array([1.0, 0.0, 3.0]), (Axis.CURRENT, Axis.NEXT))
    >>> bigram = bigram.named("bigram")
    >>> bigram.T @ bigram
    bigram.T @ bigram [NEXT x NEXT], 3 x 3, float64 on cpu
    >>> (bigram.T @ bigram) @ np.ones(3)
    array([20.,  0., 60.])
    """

    __array_ufunc__ = None  # numpy arrays and scalars on the left then leave the arithmetic to this class
    _composites: ClassVar[dict[str, Callable[..., Operator]]] = {}

    def __init_subclass__(cls, composes: str | None = None) -> None:
        """Register the class behind an arithmetic operator, so that this module need not import it."""
        if composes is not None:
            Operator._composites[composes] = cls

    def __init__(
        self, shape: tuple[int, int], axes: tuple[Axis, Axis], dtype: torch.dtype, device: torch.device
    ) -> None:
        self.shape = shape
        self.axes = axes
        self.dtype = dtype
        self.device = device
        self.name: str | None = None

    # What a kind of operator owes.

    @abstractmethod
    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        """Return the product (m, k) with a dense matrix (n, k) of the same dtype and device."""

    @abstractmethod
    def _transpose(self) -> Operator:
        """Return the transpose (n, m), of the same kind if that is natural."""

    @abstractmethod
    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        """Return dense rows (k, n) for checked int64 indices (k,)."""

    # What it may refine.

    def _row_bytes(self) -> int:
        """Return the memory that ``_rows`` takes for each row, its temporary arrays included."""
        return self.shape[1] * self.dtype.itemsize

    def _terms(self) -> list[tuple[float, Operator]]:
        """Return factors and operators whose weighted sum this is."""
        return [(1.0, self)]

    def _closed_inner(self, other: Operator) -> float | None:
        """Return the Frobenius inner product if it is known without visiting rows, else None."""
        return None

    def _closed_row_inner(self, other: Operator) -> torch.Tensor | None:
        """Return the inner product of each pair of rows, (m,) float64, if it is known without them, else None."""
        return None

    def _scaled(self, factor: float) -> Operator:
        return self._composites["scaled"](factor, self)

    def _expression(self) -> str:
        return "unnamed"

    # What all of them offer.

    @property
    def T(self) -> Operator:
        """The transpose; lazy, with the two axes swapped."""
        flipped = self._transpose()
        if self.name is None:
            return flipped
        return flipped.named(self.name[:-2] if self.name.endswith(".T") else f"{self.name}.T")

    @property
    def label(self) -> str:
        """The name, or the expression that made it."""
        return self.name or self._expression()

    def named(self: Self, name: str) -> Self:
        """Return the same operator under a name that its repr and error messages use."""
        renamed = copy.copy(self)
        renamed.name = name
        return renamed

    def rows(self, indices: Indices) -> torch.Tensor:
        """Return some rows as a dense tensor.

        Parameters
        ----------
        indices : sequence of int, shape (k,)
            Row numbers, which may repeat.

        Returns
        -------
        torch.Tensor, shape (k, n)
            Computed without a dense m x n array.

        Raises
        ------
        InputError
            If an index is not an integer in [0, m).
        """
        return self._rows(checks.as_indices(indices, self.shape[0], "rows", self.device))

    def row_blocks(self, rows: range | None = None, memory_bytes: int = blocks.WORKSPACE) -> Iterator[torch.Tensor]:
        """Yield all rows, or a range of them, in order as dense tensors (k, n).

        Parameters
        ----------
        rows : range, optional
            Consecutive row numbers within [0, m).
        memory_bytes : int
            Memory for a block and its temporary arrays; at least one row is always held.
        """
        for indices in blocks.row_blocks(self, self._row_bytes(), memory_bytes, rows):
            yield self._rows(indices)

    def columns(self, indices: Indices) -> torch.Tensor:
        """Return some columns as a dense tensor (m, k); see ``rows``."""
        return self.T._rows(checks.as_indices(indices, self.shape[1], "columns", self.device)).T

    def to_dense(self, max_bytes: int = blocks.DENSE_LIMIT) -> torch.Tensor:
        """Return the whole matrix (m, n); raises a MachineError if it would exceed `max_bytes`."""
        return blocks.dense(self, max_bytes)

    def frobenius_norm(self, memory_bytes: int = blocks.WORKSPACE) -> float:
        """Return the Frobenius norm, the root of the sum of all squared entries.

        Parameters
        ----------
        memory_bytes : int
            Memory for temporary arrays; at least one row is always held.

        Notes
        -----
        Sparse plus rank one has a closed form, which is used where it is accurate; everything else is summed by
        blocks of rows. The error analysis is in ``leadterm.operators.frobenius``.
        """
        return frobenius.norm(self, memory_bytes)

    def row_norms(self, memory_bytes: int = blocks.WORKSPACE) -> torch.Tensor:
        """Return the Euclidean norm of each row.

        Parameters
        ----------
        memory_bytes : int
            Memory for temporary arrays; at least one row is always held.

        Returns
        -------
        torch.Tensor, shape (m,), float64
            In closed form for rows of sparse plus rank one where it is accurate; 0 for a row of a sum that is only the
            rounding error of its terms. See ``leadterm.operators.row_norms``.
        """
        return row_norms(self, memory_bytes)

    def inner(self, other: Operator, memory_bytes: int = blocks.WORKSPACE) -> float:
        """Return the Frobenius inner product with an operator of the same axes and shape (else AxisError)."""
        checks.require_same_space(self, other)
        return frobenius.inner(self, other, memory_bytes)

    @overload
    def __matmul__(self, other: Operator) -> Operator: ...
    @overload
    def __matmul__(self, other: np.ndarray) -> np.ndarray: ...
    @overload
    def __matmul__(self, other: torch.Tensor) -> torch.Tensor: ...
    def __matmul__(self, other: Any) -> Any:
        """Contract with an operator (lazy), or apply to a vector (n,) or matrix (n, k); numpy in, numpy out."""
        if isinstance(other, Operator):
            return self._composites["product"]([self, other])
        if not isinstance(other, np.ndarray | torch.Tensor):
            return NotImplemented
        dense = checks.as_dense(self, other)
        result = self._matmat(dense) if dense.ndim == 2 else self._matmat(dense[:, None])[:, 0]
        return result if isinstance(other, torch.Tensor) else result.cpu().numpy()

    def __rmatmul__(self, other: Any) -> Any:
        """Apply from the left: a vector (m,) or matrix (k, m) times this operator."""
        if not isinstance(other, np.ndarray | torch.Tensor):
            return NotImplemented
        result = self.T @ (other if other.ndim < 2 else other.T)
        return result if result.ndim < 2 else result.T

    def __add__(self, other: Operator) -> Operator:
        return self._composites["sum"]([self, other]) if isinstance(other, Operator) else NotImplemented

    def __sub__(self, other: Operator) -> Operator:
        return self + (-other) if isinstance(other, Operator) else NotImplemented

    def __neg__(self) -> Operator:
        return self._scaled(-1.0)

    def __mul__(self, factor: float) -> Operator:
        if not isinstance(factor, Real):
            return NotImplemented
        return self._scaled(float(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Operator:
        if not isinstance(divisor, Real):
            return NotImplemented
        return self._scaled(1.0 / float(divisor))

    def __repr__(self) -> str:
        (rows, columns), (row, column) = self.shape, self.axes
        number = str(self.dtype).removeprefix("torch.")
        return f"{self.label} [{row} x {column}], {rows:,} x {columns:,}, {number} on {self.device}"
