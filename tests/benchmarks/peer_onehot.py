"""The peer of the paper: products of one-hot matrices in torch, float32, all cores of the CPU.

B += X^T Y and Phi += Y^T (A X) with A the causal mean of a window. Kind to the peer: no position is padding, a batch is
one large product, and the dense results stay in memory.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from benchmarks.samples import Sample

BATCH = 4096
"""Positions of a batch: the products reach the processor's full rate, the one-hot matrices stay small."""


def count_onehot(sample: Sample) -> tuple[torch.Tensor, torch.Tensor]:
    """Count a sample's windows: bigram (V, V) [CURRENT, NEXT], context (V, V) [NEXT, CONTEXT]."""
    tokens, offsets = sample.flat_windows()
    size, length = sample.manifest.counts["vocabulary_size"], sample.config.windows.length
    ids = torch.from_numpy(tokens.astype(np.int64))
    causal_mean = torch.tril(torch.ones(length, length)) / torch.arange(1, length + 1)[:, None]
    bigram, context = torch.zeros(size, size), torch.zeros(size, size)
    for windows in batches(offsets):
        x, y, sizes = one_hot_windows(ids, windows, size)
        means = torch.cat([causal_mean[:n, :n] @ part for n, part in zip(sizes, x.split(sizes), strict=True)])
        bigram.addmm_(x.T, y)
        context.addmm_(y.T, means)
    return bigram, context


def batches(offsets: np.ndarray) -> list[list[tuple[int, int]]]:
    """Put windows together to batches of about ``BATCH`` tokens."""
    pairs = list(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
    cuts = np.flatnonzero(np.diff(offsets[:-1] // BATCH)) + 1
    bounds = [0, *cuts.tolist(), len(pairs)]
    return [pairs[start:stop] for start, stop in pairwise(bounds)]


def one_hot_windows(
    ids: torch.Tensor, windows: list[tuple[int, int]], size: int, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """Write current and next tokens of some windows as one-hot rows, (positions, V); and count each one's positions."""
    current = torch.cat([ids[start : stop - 1] for start, stop in windows])
    following = torch.cat([ids[start + 1 : stop] for start, stop in windows])
    return one_hot(current, size, dtype), one_hot(following, size, dtype), [stop - start - 1 for start, stop in windows]


def one_hot(ids: torch.Tensor, size: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Write ids as rows of the identity."""
    return torch.zeros(len(ids), size, dtype=dtype).scatter_(1, ids[:, None], 1.0)


def save(result: tuple[torch.Tensor, torch.Tensor], output: Path) -> None:
    """Keep the results for the comparison."""
    output.mkdir(parents=True, exist_ok=True)
    for name, matrix in zip(("bigram", "context"), result, strict=True):
        np.save(output / f"{name}.npy", matrix.numpy())
