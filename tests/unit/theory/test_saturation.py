"""The function of one entry that steps add up to, and the bigram basis function under it."""

import numpy as np
import pytest
import torch

from leadterm.errors import InputError
from leadterm.theory import Adam, AdamW, GradientDescent, Saturation, SignDescent, saturated_bigram
from leadterm.theory.recursion import weights_after_steps
from leadterm.theory.saturated_bigram import centred_rows
from support.dense_theory import count, random_windows

SIZE = 50


@pytest.fixture(scope="module")
def counts():
    return count(random_windows(6, 12, SIZE, seed=4), SIZE)


@pytest.mark.parametrize("eps", [0.0, 1e-15, 1e-8, 1e-5, 1e-2])
def test_the_saturated_bigram_is_the_dense_one(counts, eps):
    """phi(b) = b / (|b| + eps), also for tokens that never occur, whose row of B is zero."""
    bigram = counts.uniform()[0]
    expected = np.divide(bigram, np.abs(bigram) + eps, out=np.zeros_like(bigram), where=bigram != 0)
    found = saturated_bigram(counts.basis(), Saturation.of([(1.0, 1.0)], eps))
    assert np.any(counts.alpha == 0)
    assert np.abs(found.to_dense().numpy() - expected).max() <= 1e-12
    block = np.random.default_rng(1).standard_normal((SIZE, 5))
    assert np.abs(found @ block - expected @ block).max() <= 1e-12 * np.abs(expected).sum(axis=1).max()
    assert np.abs(found.T @ block - expected.T @ block).max() <= 1e-12 * np.abs(expected).sum(axis=0).max()


def test_the_saturated_bigram_stores_no_more_than_the_pairs_that_occur(counts):
    found = saturated_bigram(counts.basis(), Saturation.of([(1.0, 1.0)], 1e-8))
    sparse, level = found._terms()
    assert len(sparse[1].entries) == np.count_nonzero(counts.bigram_counts)
    assert level[1].vectors[0].shape == (SIZE,)


def test_the_frequency_centring_has_no_such_form(counts):
    with pytest.raises(InputError, match="a function of each entry needs the paper's basis functions"):
        saturated_bigram(counts.basis(centring="frequency"), Saturation.of([(1.0, 1.0)], 1e-3))


def test_rows_less_their_means(counts):
    bigram = saturated_bigram(counts.basis(), Saturation.of([(1.0, 1.0)], 1e-3))
    dense = bigram.to_dense().numpy()
    expected = dense - dense.mean(axis=1, keepdims=True)
    assert np.abs(centred_rows(bigram, SIZE).to_dense().numpy() - expected).max() <= 1e-14
    fewer = dense - dense.sum(axis=1, keepdims=True) / (2 * SIZE)
    assert np.abs(centred_rows(bigram, 2 * SIZE).to_dense().numpy() - fewer).max() <= 1e-14


@pytest.mark.parametrize(
    "optimizer",
    [
        Adam(),
        Adam((0.0, 0.0)),
        Adam((0.5, 0.9), 1e-3),
        AdamW((0.9, 0.95), 1e-3, 20.0),
        SignDescent(),
        GradientDescent(),
    ],
)
def test_functions_of_an_entry_are_what_torch_makes_of_gradients(optimizer):
    """Numbers of many sizes, zero among them, each trained by torch's own optimizer on gradients c_j g."""
    entries = torch.tensor([0.0, 1e-12, -1e-6, 1e-3, -0.1, 3.0], dtype=torch.float64)
    rate, scales, found = 1e-3, (0.0, 1.0, 2.0, 3.0, 0.5), torch.zeros(6, dtype=torch.float64, requires_grad=True)
    steps = torch_steps(optimizer, found, rate)
    functions = weights_after_steps(optimizer, rate, scales)
    for scale, function in zip(scales, functions[1:], strict=True):
        found.grad = -scale * entries
        steps.step()
        assert torch.allclose(function(entries), found.detach(), rtol=1e-12, atol=0)
    assert functions[0](entries).abs().max() == 0


def torch_steps(optimizer, parameter, rate):
    from support.dense_optimizers import torch_optimizer  # noqa: PLC0415  # beside its one use

    return torch_optimizer(optimizer, rate)([parameter])


def test_a_sign_and_a_line_are_its_limits():
    entries = torch.tensor([-2.0, 0.0, 1e-30, 5.0], dtype=torch.float64)
    assert Saturation.of([(2.0, 4.0), (1.0, 1.0), (9.0, 0.0)], 0.0)(entries).tolist() == [-1.5, 0.0, 1.5, 1.5]
    linear = Saturation.of([(2.0, 0.0), (1.0, 0.0)], 0.5)
    assert linear(entries).tolist() == pytest.approx([-12.0, 0.0, 6e-30, 30.0])
    assert (linear.slope, linear.limit, len(linear.gains)) == (6.0, 0, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_keeps_the_number_type(dtype):
    entries = torch.tensor([1e-9, -1e-9], dtype=dtype)
    found = Saturation.of([(1.0, 1.0)], 1e-8)(entries)
    assert found.dtype == dtype
    assert found.tolist() == pytest.approx([1 / 11, -1 / 11], rel=1e-6)
