"""A sparse matrix on a device, in both directions."""

import warnings

import numpy as np
import torch
from scipy import sparse

from leadterm.errors import InputError

CPU_COLUMN_BLOCK = 64
"""Columns applied at a time on a CPU. Measured (float64, 0.9 to 2.1 M nonzeros, 2 cores): torch in blocks of 64 takes
half the time of torch on 256 columns at once, and 1 to 2 times less than scipy, which uses one core."""


def csr_tensor(matrix: sparse.csr_array, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return a scipy matrix as a torch CSR tensor; its arrays are shared where type and device allow."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    # torch warns of read-only arrays (memory-mapped, from Arrow), since it could write to them: those are copied.
    arrays = [np.require(part, requirements="W") for part in (matrix.indptr, matrix.indices, matrix.data)]
    if arrays[0].dtype != arrays[1].dtype:
        arrays[:2] = [part.astype(np.int64) for part in arrays[:2]]
    pointers, columns, values = (torch.from_numpy(part).to(device) for part in arrays)
    return checked_csr(pointers, columns, values.to(dtype), matrix.shape)


def checked_csr(
    pointers: torch.Tensor, columns: torch.Tensor, values: torch.Tensor, shape: tuple[int, int]
) -> torch.Tensor:
    """Make a CSR tensor whose indices were checked: a wrong one would read outside the array."""
    with warnings.catch_warnings():
        # torch says once per process that CSR tensors are in beta; products with a dense matrix, all that is used
        # here, are covered by the contract tests.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state", category=UserWarning)
        try:
            return torch.sparse_csr_tensor(pointers, columns, values, shape, check_invariants=True)
        except RuntimeError as error:
            raise InputError(f"the sparse matrix {shape} is broken, its indices do not fit: {error}") from error


class CsrPair:
    """A matrix and, once it is asked for, its transpose, both as CSR; an operator and its transpose share one.

    Parameters
    ----------
    forward : torch.Tensor
        A CSR tensor (m, n).
    """

    def __init__(self, forward: torch.Tensor) -> None:
        self._forward = forward
        self._backward: torch.Tensor | None = None

    def side(self, transposed: bool) -> torch.Tensor:
        """Return the CSR tensor of the matrix or of its transpose."""
        if not transposed:
            return self._forward
        if self._backward is None:
            self._backward = _transposed(self._forward)
        return self._backward


def _transposed(tensor: torch.Tensor) -> torch.Tensor:
    """Transpose through scipy: one counting pass, measured 4 to 60 times as fast as torch's CSC to CSR."""
    parts = (tensor.values(), tensor.col_indices(), tensor.crow_indices())
    values, columns, pointers = (part.cpu().numpy() for part in parts)
    flipped = sparse.csr_array((values, columns, pointers), shape=(tensor.shape[0], tensor.shape[1])).T.tocsr()
    return csr_tensor(flipped, tensor.dtype, tensor.device)


def multiply(tensor: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
    """Return the product of a CSR tensor (m, n) with a dense matrix (n, k)."""
    if dense.device.type != "cpu" or dense.shape[1] <= CPU_COLUMN_BLOCK:
        return tensor @ dense
    result = dense.new_empty((tensor.shape[0], dense.shape[1]))
    for start in range(0, dense.shape[1], CPU_COLUMN_BLOCK):
        part = slice(start, start + CPU_COLUMN_BLOCK)
        result[:, part] = tensor @ dense[:, part].contiguous()
    return result


def dense_rows(tensor: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Return rows (k, n) of a CSR tensor as a dense tensor, for int64 indices (k,)."""
    pointers, columns, values = tensor.crow_indices(), tensor.col_indices(), tensor.values()
    starts = pointers[indices].to(torch.int64)
    lengths = pointers[indices + 1].to(torch.int64) - starts
    row = torch.repeat_interleave(torch.arange(len(indices), device=indices.device), lengths)
    before = torch.cumsum(lengths, 0) - lengths
    source = torch.arange(len(row), device=indices.device) + (starts - before)[row]
    result = values.new_zeros((len(indices), tensor.shape[1]))
    result[row, columns[source].to(torch.int64)] = values[source]
    return result


def inner(left: torch.Tensor, right: torch.Tensor) -> float:
    """Return the Frobenius inner product of two CSR tensors of one shape, summed in float64."""
    if left is right:
        return float(torch.sum(left.values().to(torch.float64) ** 2))
    left_keys, right_keys = _keys(left), _keys(right)
    if not len(left_keys) or not len(right_keys):
        return 0.0
    at = torch.searchsorted(right_keys, left_keys).clamp(max=len(right_keys) - 1)
    met = right_keys[at] == left_keys
    return float(torch.dot(left.values()[met].to(torch.float64), right.values()[at[met]].to(torch.float64)))


def _keys(tensor: torch.Tensor) -> torch.Tensor:
    """Number the nonzeros by their place in the dense matrix, ascending."""
    lengths = torch.diff(tensor.crow_indices()).to(torch.int64)
    row = torch.repeat_interleave(torch.arange(tensor.shape[0], device=lengths.device), lengths)
    return row * tensor.shape[1] + tensor.col_indices().to(torch.int64)
