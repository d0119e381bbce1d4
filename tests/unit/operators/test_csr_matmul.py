"""The product with many columns, on a CPU: tiles, threads and other columns change no bit of it."""

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.operators import csr_matmul as csr


@pytest.fixture
def matrix():
    random = np.random.default_rng(4)
    lengths = random.integers(0, 60, 300) * (random.random(300) < 0.8)  # empty rows among them, and one that is full
    lengths[7] = 211
    dense = np.zeros((300, 211))
    for row, length in zip(dense, lengths, strict=True):
        row[random.permutation(211)[:length]] = random.standard_normal(length)
    return sparse.csr_array(dense)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_tiles_and_threads_change_no_bit(matrix, dtype, index, monkeypatch):
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    tensor = csr.csr_tensor(matrix, dtype, torch.device("cpu"))
    dense = torch.randn(211, 37, dtype=dtype, generator=torch.Generator().manual_seed(0))
    expected = csr.multiply(tensor, dense)
    # Sums of at most 211 products, each rounded once or twice.
    mass = abs(matrix) @ dense.abs().double().numpy()
    assert np.all(
        np.abs(expected.double().numpy() - matrix @ dense.double().numpy()) <= 250 * torch.finfo(dtype).eps * mass
    )
    monkeypatch.setattr(csr, "SERIAL_ENTRIES", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    for rows in (1, 2, 5, 64, 210, 211, 1000):
        monkeypatch.setattr(csr, "TILE_BYTES", rows * 37 * dense.itemsize)
        assert torch.equal(csr.multiply(tensor, dense), expected), rows
    assert torch.equal(csr.multiply(tensor, dense[:, 3:20]), expected[:, 3:20]), "a slice, which is not contiguous"
    assert torch.equal(csr.multiply(tensor, dense[:, :4]), expected[:, :4])


def test_index_types_that_differ_are_made_the_small_one(matrix):
    matrix.indptr = matrix.indptr.astype(np.int64)
    matrix.indices = matrix.indices.astype(np.int32)
    tensor = csr.csr_tensor(matrix, torch.float64, torch.device("cpu"))
    assert tensor.col_indices().dtype == tensor.crow_indices().dtype == torch.int32
    assert tensor.col_indices().data_ptr() == matrix.indices.ctypes.data, "shared, not copied"


def test_an_empty_matrix_gives_zeros():
    tensor = csr.csr_tensor(sparse.csr_array((5, 3)), torch.float64, torch.device("cpu"))
    assert torch.equal(
        csr.multiply(tensor, torch.ones(3, 9, dtype=torch.float64)), torch.zeros(5, 9, dtype=torch.float64)
    )
