"""Alignment by its definitions, in float64 numpy: covariances laid out, n x n, and compared entry by entry.

``numpy.cov`` takes rows for variables, subtracts each row's mean and divides by the columns less one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

Key = tuple[str, int | None]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A layer as a checkpoint gives it."""

    pre: torch.Tensor
    mid: torch.Tensor
    post: torch.Tensor
    query: torch.Tensor
    key: torch.Tensor
    number: int = 3

    @property
    def read(self) -> torch.Tensor:
        """The input divided by its root mean square, as an RMSNorm without gain does."""
        return self.pre * torch.rsqrt(self.pre.square().mean(-1, keepdim=True) + 1e-12)


def random_layer(seed: int, n: int, width: int = 7, heads: int = 4, d_head: int = 3, number: int = 3) -> Checkpoint:
    """Gaussian streams around a mean that all tokens share, and heads of which two share a key (grouped queries)."""
    random = np.random.default_rng(seed)
    streams = [random.standard_normal((n, width)) + 2 * random.standard_normal(width) for _ in range(3)]
    query = random.standard_normal((heads, width, d_head))
    key = np.repeat(random.standard_normal((heads // 2, width, d_head)), 2, axis=0)
    return Checkpoint(*(torch.from_numpy(part) for part in (*streams, query, key)), number=number)


def checkpoint_covariances(layer: Checkpoint) -> dict[Key, np.ndarray]:
    """Return cov of each component and head, (n, n)."""
    streams = {name: getattr(layer, name).double().numpy() for name in ("pre", "mid", "post", "read")}
    query, key, inputs = layer.query.double().numpy(), layer.key.double().numpy(), streams["pre"]
    maps = [inputs @ w_q @ w_k.T @ inputs.T for w_q, w_k in zip(query, key, strict=True)]
    found: dict[Key, np.ndarray] = {(name, None): np.cov(stream) for name, stream in streams.items()}
    found["qk", None] = np.cov(sum(maps) / len(maps))
    return found | {("qk", head): np.cov(part) for head, part in enumerate(maps)}


def predictor_covariance(matrix: np.ndarray) -> np.ndarray:
    """Return cov of the rows at unit norm; zero rows stay zero."""
    return np.cov(unit_rows(matrix))


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Divide each row by its norm, where it has one."""
    rows = []
    for row in matrix:
        norm = np.sqrt(np.sum(row * row))
        rows.append(row / norm if norm > 0 else row)
    return np.array(rows)


def double_centred(square: np.ndarray) -> np.ndarray:
    """Subtract row and column means, add the mean of all."""
    return square - square.mean(axis=0) - square.mean(axis=1)[:, None] + square.mean()


def cosine(left: np.ndarray, right: np.ndarray, metric: str) -> float:
    """Return the Frobenius cosine of two covariances, raw or double-centred."""
    if metric == "centred":
        left, right = double_centred(left), double_centred(right)
    return float(np.sum(left * right) / np.sqrt(np.sum(left * left)) / np.sqrt(np.sum(right * right)))
