"""The peer of the paper for attention: its formulas as products of one-hot matrices in torch, all cores of the CPU.

S = (Y - U) G X^T with G = Sigma_B Phi; q = (S - mean over the context) / t up to the diagonal, which is the softmax's
Jacobian at equal scores; Q += X^T q X, Delta_m += the sum of the m-th subdiagonal of q. Kind to the peer: G is made
beforehand, no position is padding, and windows are put together for the products with V x V matrices.
"""

import numpy as np
import torch

import leadterm
from benchmarks.peer_onehot import batches, one_hot_windows
from benchmarks.samples import Sample
from support.dense_attention import dense_composed


def dense_scores(sample: Sample, dtype: torch.dtype) -> torch.Tensor:
    """Multiply a sample's counts to G = Sigma_B Phi: (V, V) [NEXT, CONTEXT]."""
    run = leadterm.open_run(sample.folder)
    counts = run.bigram_counts().toarray(), run.context_weights().toarray()
    margins = run.current_frequency, run.context_frequency
    return torch.from_numpy(dense_composed(*counts, *margins, run.n_positions, run.vocabulary_size)).to(dtype)


def attend_onehot(sample: Sample, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum a sample's windows up: query_key (V, V) [CURRENT, CONTEXT], position (T,); in the type of the scores."""
    tokens, offsets = sample.flat_windows()
    size, length, dtype = len(scores), sample.sizes["length"], scores.dtype
    ids = torch.from_numpy(tokens.astype(np.int64))
    distance = torch.arange(length)[:, None] - torch.arange(length)[None, :]
    query_key, position = torch.zeros(size, size, dtype=dtype), torch.zeros(length, dtype=dtype)
    n_positions = 0
    for windows in batches(offsets):
        x, y, sizes = one_hot_windows(ids, windows, size, dtype)
        wanted = (y - 1 / size) @ scores
        mixed = []
        for part, own in zip(wanted.split(sizes), x.split(sizes), strict=True):
            gradient = through_softmax(part @ own.T)
            steps = distance[: len(own), : len(own)].clamp(min=0)  # above the diagonal the gradient is 0
            position.index_add_(0, steps.flatten(), gradient.flatten())
            mixed.append(gradient @ own)
        query_key.addmm_(x.T, torch.cat(mixed))
        n_positions += len(x)
    return query_key / n_positions, position / n_positions


def through_softmax(scores: torch.Tensor) -> torch.Tensor:
    """Apply the Jacobian of a causal softmax at equal scores to each row of (n, n)."""
    t = torch.arange(1, len(scores) + 1)[:, None]
    mean = scores.tril().sum(dim=1, keepdim=True) / t
    return ((scores - mean) / t).tril()
