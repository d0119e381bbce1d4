"""An operator that stores its nonzero entries."""

from __future__ import annotations

import copy

import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import InputError
from leadterm.operators import csr_matmul as csr
from leadterm.operators.device import resolve_device, resolve_dtype
from leadterm.operators.operator import Operator

INDEX_BYTES = 32
"""Bytes per entry of a full row that ``csr.dense_rows`` takes in addition to the result: four int64 arrays."""


class SparseOperator(Operator):
    """A sparse matrix in CSR form, fast in both directions.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, shape (m, n)
        Integer or float entries; duplicates are summed. Its arrays are shared, not copied, if type, order and
        device allow.
    axes : tuple of Axis
        The meaning of rows and columns.
    dtype : str or torch.dtype, optional
        float64 (default) or float32.
    device : str or torch.device
        The device of the entries.

    Raises
    ------
    InputError
        If it is not a CSR matrix, or its indices do not fit its shape.
    MachineError
        If the device does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> counts = sparse.csr_array(np.array([[0, 2, 0], [1, 0, 0]]))
    >>> bigram = SparseOperator(counts, (Axis.CURRENT, Axis.NEXT))
    >>> bigram
    sparse [CURRENT x NEXT], 2 x 3, float64 on cpu
    >>> bigram.T @ np.array([1.0, 10.0])
    array([10.,  2.,  0.])
    """

    def __init__(
        self,
        matrix: sparse.csr_array,
        axes: tuple[Axis, Axis],
        *,
        dtype: str | torch.dtype | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        if not sparse.issparse(matrix) or matrix.format != "csr" or matrix.ndim != 2:
            raise InputError(f"expected a two-dimensional scipy.sparse.csr_array, found {type(matrix).__name__}.")
        number, place = resolve_dtype(dtype), resolve_device(device)
        super().__init__((matrix.shape[0], matrix.shape[1]), axes, number, place)
        self._pair = csr.CsrPair(csr.csr_tensor(matrix, number, place))
        self._flipped = False

    @property
    def _csr(self) -> torch.Tensor:
        return self._pair.side(self._flipped)

    @property
    def entries(self) -> torch.Tensor:
        """The stored entries (nonzeros,), row by row."""
        return self._csr.values()

    @property
    def entry_rows(self) -> torch.Tensor:
        """The row number of each stored entry: (nonzeros,) int64."""
        return torch.repeat_interleave(self._csr.crow_indices().diff().to(torch.int64))

    def with_entries(self, entries: torch.Tensor) -> SparseOperator:
        """Return the operator with other numbers (nonzeros,) at the same places; what indexes them is shared."""
        if entries.shape != self.entries.shape:
            raise InputError(f"{self!r} stores {tuple(self.entries.shape)} entries, found {tuple(entries.shape)}.")
        changed = copy.copy(self)
        pointers, columns = self._csr.crow_indices(), self._csr.col_indices()
        tensor = csr.checked_csr(pointers, columns, entries.to(self.dtype), self.shape)
        changed._pair, changed._flipped, changed.name = csr.CsrPair(tensor), False, None
        return changed

    def _matmat(self, dense: torch.Tensor) -> torch.Tensor:
        return csr.multiply(self._csr, dense)

    def _transpose(self) -> SparseOperator:
        flipped = copy.copy(self)
        flipped.name = None
        flipped.shape, flipped.axes = self.shape[::-1], self.axes[::-1]
        flipped._flipped = not self._flipped
        return flipped

    def _rows(self, indices: torch.Tensor) -> torch.Tensor:
        return csr.dense_rows(self._csr, indices)

    def _row_bytes(self) -> int:
        return self.shape[1] * (self.dtype.itemsize + INDEX_BYTES)

    def _closed_inner(self, other: Operator) -> float | None:
        return csr.inner(self._csr, other._csr) if isinstance(other, SparseOperator) else None

    def _closed_row_inner(self, other: Operator) -> torch.Tensor | None:
        if not isinstance(other, SparseOperator) or other._csr is not self._csr:
            return None
        return csr.row_squares(self._csr)

    def _expression(self) -> str:
        return "sparse"
