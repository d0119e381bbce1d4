"""A sparse matrix on a device, in both directions."""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from scipy import sparse

from leadterm.errors import InputError
from leadterm.operators.csr_kernels import add_tile

TILE_BYTES = 2**22
"""Of the dense matrix, which a CPU processes at a time, so that they stay in the cache. Measured for 31 M nonzeros,
V = 49,152, 576 columns, one busy core: 19 GFlop/s in float32 and 10 in float64, where torch (that is, MKL) reaches 2 to
7 and 1, in whatever blocks of columns, and scipy 1."""

SERIAL_ENTRIES = 2**16
"""Below this many, starting threads takes longer than it saves."""

FEW_COLUMNS = 4
"""Below this many columns torch is faster."""


def csr_tensor(matrix: sparse.csr_array, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return a scipy matrix as a torch CSR tensor; its arrays are shared if type and device allow."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    # torch warns of read-only arrays (memory-mapped, from Arrow), since it could write to them: those are copied.
    arrays = [np.require(part, requirements="W") for part in (matrix.indptr, matrix.indices, matrix.data)]
    if arrays[0].dtype != arrays[1].dtype:
        index = np.int32 if max(len(arrays[1]), *matrix.shape) <= np.iinfo(np.int32).max else np.int64
        arrays[:2] = [part.astype(index, copy=False) for part in arrays[:2]]
    pointers, columns, values = (torch.from_numpy(part).to(device) for part in arrays)
    return checked_csr(pointers, columns, values.to(dtype), matrix.shape)


def checked_csr(
    pointers: torch.Tensor, columns: torch.Tensor, values: torch.Tensor, shape: tuple[int, int]
) -> torch.Tensor:
    """Make a CSR tensor after checking its indices: a wrong one would read outside the array."""
    with warnings.catch_warnings():
        # torch says once per process that CSR tensors are in beta; products with a dense matrix, all that is used
        # here, are covered by the contract tests.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state", category=UserWarning)
        try:
            return torch.sparse_csr_tensor(pointers, columns, values, shape, check_invariants=True)
        except RuntimeError as error:
            raise InputError(f"the sparse matrix {shape} is broken, its indices do not fit: {error}") from error


class CsrPair:
    """A matrix and, once requested, its transpose, both as CSR; shared by an operator and its transpose.

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
    if dense.device.type != "cpu" or dense.shape[1] < FEW_COLUMNS:
        return tensor @ dense
    result = dense.new_zeros((tensor.shape[0], dense.shape[1]))
    parts = (tensor.crow_indices(), tensor.col_indices(), tensor.values(), dense.detach().contiguous())
    pointers, columns, values, block = (part.numpy() for part in parts)
    height = max(1, TILE_BYTES // (block.shape[1] * block.itemsize))
    at, out = pointers[:-1].astype(np.int64), result.numpy()

    def add(start: int, stop: int) -> None:
        for end in range(height, tensor.shape[1] + height, height):
            add_tile(pointers, columns, values, block, at, end, out, start, stop)

    in_threads(pointers, add)
    return result


def in_threads(pointers: np.ndarray, work: Callable[[int, int], None]) -> None:
    """Process all rows in as many ranges as torch has threads, each with about as many entries."""
    threads, entries = torch.get_num_threads(), int(pointers[-1])
    if threads == 1 or entries < SERIAL_ENTRIES:
        work(0, len(pointers) - 1)
        return
    bounds = np.searchsorted(pointers, np.linspace(0, entries, threads + 1)[1:-1])
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, *pair) for pair in pairwise([0, *bounds.tolist(), len(pointers) - 1])]:
            done.result()


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


def row_squares(tensor: torch.Tensor) -> torch.Tensor:
    """Return the sum of squares of each row of a CSR tensor (m, n): (m,) float64."""
    squares = tensor.values().to(torch.float64) ** 2
    return torch.segment_reduce(squares, "sum", offsets=tensor.crow_indices().to(torch.int64), initial=0)


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
    """Number the nonzeros by their position in the dense matrix, ascending."""
    lengths = torch.diff(tensor.crow_indices()).to(torch.int64)
    row = torch.repeat_interleave(torch.arange(tensor.shape[0], device=lengths.device), lengths)
    return row * tensor.shape[1] + tensor.col_indices().to(torch.int64)
