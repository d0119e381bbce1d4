"""What a basis is made of and what it refuses."""

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import InputError, MachineError
from leadterm.theory import Basis
from support.dense_theory import count, random_windows

C, N, X = Axis.CURRENT, Axis.NEXT, Axis.CONTEXT


@pytest.fixture(scope="module")
def statistics():
    return count(random_windows(10, 12, 9, seed=2), 9)


def build(statistics, **changes) -> Basis:
    parts = {
        "bigram_counts": sparse.csr_array(statistics.bigram_counts),
        "context_weights": sparse.csr_array(statistics.context_weights),
        "n_positions": statistics.n_positions,
        "current_frequency": statistics.alpha,
        "context_frequency": statistics.rho,
    }
    return Basis.from_counts(**{**parts, **changes})


@pytest.mark.parametrize(
    ("name", "axes"),
    [("bigram", (C, N)), ("context", (N, X)), ("interchange", (N, N)), ("value", (X, C)), ("composed", (N, X))],
)
@pytest.mark.parametrize("centring", ["uniform", "frequency"])
def test_axes_and_names(statistics, name, axes, centring):
    operator = getattr(build(statistics, centring=centring), name)
    assert operator.axes == axes
    assert operator.label == name


def test_float32_on_request(statistics):
    basis = build(statistics, dtype="float32")
    assert basis.value.dtype == torch.float32
    expected = build(statistics).value.to_dense()
    # Float64 counts are rounded to float32 once, and V adds up 9 products twice: some 30 eps of float32.
    assert torch.allclose(basis.value.to_dense().double(), expected, rtol=0, atol=30 * 2**-24)


def test_kept_tokens_are_rows_and_columns_of_the_whole(statistics):
    kept = np.array([0, 2, 3, 7])
    part = build(
        statistics,
        bigram_counts=sparse.csr_array(statistics.bigram_counts[np.ix_(kept, kept)]),
        context_weights=sparse.csr_array(statistics.context_weights[np.ix_(kept, kept)]),
        current_frequency=statistics.alpha[kept],
        context_frequency=statistics.rho[kept],
        vocabulary_size=9,
    )
    bigram, context = statistics.uniform()
    # One division and one subtraction per entry, all below 1: a few eps.
    assert np.allclose(part.bigram.to_dense().numpy(), bigram[np.ix_(kept, kept)], rtol=0, atol=1e-15)
    assert np.allclose(part.context.to_dense().numpy(), context[np.ix_(kept, kept)], rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"centring": "median"}, "centring is 'uniform' .* or 'frequency', not 'median'"),
        ({"n_positions": 0}, "n_positions is 0: a corpus without positions"),
        ({"n_positions": 7}, r"the rows of bigram_counts sum to .* current_frequency to .* n_positions is wrong"),
        ({"current_frequency": np.ones(4)}, "current_frequency has 4 tokens, so all sizes must be 4; found .*9, 9"),
        (
            {"context_frequency": np.full(9, np.nan)},
            "context_frequency contains a negative or infinite number or a NaN",
        ),
        ({"context_frequency": np.ones(9)}, "the columns of context_weights sum to"),
        ({"vocabulary_size": 5}, "vocabulary_size is 5, less than the 9 tokens"),
        ({"vocabulary_size": 12, "centring": "frequency"}, "needs the counts of the whole vocabulary"),
    ],
)
def test_numbers_that_do_not_belong_together(statistics, changes, message):
    with pytest.raises(InputError, match=message):
        build(statistics, **changes)


@pytest.mark.parametrize("name", ["bigram_counts", "context_weights"])
def test_a_transposed_matrix_is_noticed(statistics, name):
    flipped = sparse.csr_array(getattr(statistics, name).T)
    with pytest.raises(InputError, match="a matrix is transposed"):
        build(statistics, **{name: flipped})


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_missing_device(statistics):
    with pytest.raises(MachineError, match="Use device='cpu'"):
        build(statistics, device="cuda")
