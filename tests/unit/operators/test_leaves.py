"""Building sparse and rank-one operators, and the machine they live on."""

import warnings

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import AxisError, InputError, MachineError
from leadterm.operators import RankOneOperator, SparseOperator, resolve_device, resolve_dtype, to_device
from leadterm.operators import csr_matmul as csr

AXES = (Axis.CURRENT, Axis.NEXT)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_missing_cuda_device_is_named_with_the_remedy(device):
    for build in (
        lambda: SparseOperator(sparse.csr_array(np.eye(2)), AXES, device=device),
        lambda: RankOneOperator(np.ones(2), np.ones(2), AXES, device=device),
    ):
        with pytest.raises(MachineError, match=f"'{device}' was requested.*0 CUDA device.*Use device='cpu'"):
            build()


def test_other_devices_are_refused():
    with pytest.raises(MachineError, match="run on 'cpu' or 'cuda', not on 'meta'"):
        resolve_device("meta")
    with pytest.raises(MachineError, match="'gpu' is not a device known to torch: use 'cpu', 'cuda'"):
        resolve_device("gpu")


def test_a_copy_to_a_device_is_not_waited_for(monkeypatch):
    calls, array = [], np.arange(3.0)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: calls.append("pinned") or tensor)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device, **how: calls.append((str(device), how)) or tensor)
    assert to_device(array, torch.device("cpu")).data_ptr() == array.ctypes.data
    assert calls == []
    to_device(array, torch.device("cuda:0"))
    assert calls == ["pinned", ("cuda:0", {"non_blocking": True})]


@pytest.mark.parametrize("dtype", ["float16", torch.int64, "double"])
def test_other_number_types_are_refused(dtype):
    with pytest.raises(InputError, match="float64 or float32 entries, not"):
        resolve_dtype(dtype)


@pytest.mark.parametrize("matrix", [np.eye(2), sparse.coo_array(np.eye(2)), [[1.0]]])
def test_only_csr_matrices_are_taken(matrix):
    with pytest.raises(InputError, match=r"expected a two-dimensional scipy\.sparse\.csr_array, found"):
        SparseOperator(matrix, AXES)


def test_broken_indices_are_refused_before_they_read_outside():
    matrix = sparse.csr_array(np.eye(3))
    matrix.indices[1] = 9
    with pytest.raises(InputError, match=r"the sparse matrix \(3, 3\) is broken, its indices do not fit"):
        SparseOperator(matrix, AXES)


def test_duplicates_are_summed_and_the_caller_keeps_its_matrix():
    parts = (np.array([1.0, 2.0, 4.0]), np.array([1, 1, 0]), np.array([0, 3, 3]))
    matrix = sparse.csr_array(parts, shape=(2, 2))
    assert SparseOperator(matrix, AXES).to_dense().tolist() == [[4.0, 3.0], [0.0, 0.0]]
    assert matrix.nnz == 3


def test_read_only_and_mixed_index_arrays_are_taken():
    """Arrow and memory maps give read-only arrays, and pointers and indices of different widths."""
    matrix = sparse.csr_array(np.array([[0, 2], [3, 0]]))
    matrix.indptr = matrix.indptr.astype(np.int64)
    matrix.indices = matrix.indices.astype(np.int32)
    for part in (matrix.indptr, matrix.indices, matrix.data):
        part.flags.writeable = False
    operator = SparseOperator(matrix, AXES)
    assert operator.T.to_dense().tolist() == [[0.0, 3.0], [2.0, 0.0]]


def test_entries_are_shared_not_copied():
    matrix = sparse.csr_array(np.eye(3))
    operator = SparseOperator(matrix, AXES)
    matrix.data[0] = 7.0
    assert operator.rows([0])[0, 0] == 7.0


def test_the_transpose_is_built_once_and_shared(monkeypatch):
    built = []
    build = csr._transposed
    monkeypatch.setattr(csr, "_transposed", lambda tensor: built.append(1) or build(tensor))
    operator = SparseOperator(sparse.csr_array(np.eye(3)), AXES)
    first, named = operator.T, operator.named("bigram").T
    for one in (first, named, operator.T):
        one @ np.ones(3)
    first.T @ np.ones(3)
    assert len(built) == 1


def test_the_beta_warning_of_torch_stays_here():
    """Other warnings pass, and the filters of the caller are as before."""
    before = list(warnings.filters)
    SparseOperator(sparse.csr_array(np.eye(3)), AXES)
    assert warnings.filters == before


def test_rank_one_needs_vectors():
    with pytest.raises(AxisError, match=r"needs two vectors, found shapes \(2, 2\) and \(2,\)"):
        RankOneOperator(np.eye(2), np.ones(2), AXES)
