"""Functions of entries: the memory that they take, and what belongs to them alone."""

import numpy as np
import pytest
import torch
from scipy import sparse
from torch.utils._python_dispatch import TorchDispatchMode

from leadterm.axes import Axis
from leadterm.errors import InputError
from leadterm.operators import EntrywiseOperator, RankOneOperator, SparseOperator
from leadterm.theory import Saturation

LARGE = 49_152


class LargestTensor(TorchDispatchMode):
    """Sees the result of every operation of torch."""

    bytes = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if isinstance(result, torch.Tensor) and result.layout == torch.strided:
            self.bytes = max(self.bytes, result.numel() * result.element_size())
        return result


@pytest.fixture(scope="module")
def gradient():
    """A sparse context map and bigram, both less a rank one, of the size of a language model's vocabulary."""
    random = np.random.default_rng(1)

    def matrix(rows, columns):
        values = sparse.random_array((LARGE, LARGE), density=1e-6, random_state=random, format="csr")
        mean = RankOneOperator(random.random(LARGE) / LARGE, np.full(LARGE, 1 / LARGE), (rows, columns))
        return SparseOperator(values, (rows, columns)) - mean

    return matrix(Axis.CONTEXT, Axis.NEXT) @ matrix(Axis.NEXT, Axis.CURRENT)


@pytest.mark.parametrize("memory", [8 * 2**20, 32 * 2**20])
def test_a_row_block_keeps_to_the_memory_that_is_asked_for(gradient, memory):
    """No tensor on the way is larger than the budget, and none has more than the few rows of a block."""
    value = EntrywiseOperator(Saturation.of([(1e-3, 1.0), (1e-3, 2.0)], 1e-8), gradient)
    with LargestTensor() as seen:
        block = next(value.row_blocks(memory_bytes=memory))
    assert block.shape[1] == LARGE
    assert 1 <= len(block) < LARGE // 100
    assert seen.bytes <= memory
    expected = value.function(gradient.rows([0, len(block) - 1]))
    assert torch.linalg.norm(block[[0, -1]] - expected) <= 1e-10 * torch.linalg.norm(expected)  # rounded otherwise


def test_numbers_at_the_same_places():
    matrix = sparse.csr_array(np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 4.0]]))
    operator = SparseOperator(matrix, (Axis.CURRENT, Axis.CONTEXT)).named("matrix")
    assert (operator.entries.tolist(), operator.entry_rows.tolist()) == ([2.0, 1.0, 4.0], [0, 1, 1])
    changed = operator.with_entries(-operator.entries)
    assert torch.equal(changed.to_dense(), -operator.to_dense())
    assert torch.equal(operator.T.with_entries(operator.T.entries * 2).to_dense(), 2 * operator.to_dense().T)
    with pytest.raises(InputError, match=r"stores \(3,\) entries, found \(2,\)"):
        operator.with_entries(torch.zeros(2))
