"""The theory by its definitions: a loop over positions and dense float64 matrices. Slow, and hard to get wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from leadterm.theory import Basis
from support.markov import markov_documents
from support.naive_counts import NaiveCounts, count_windows


@dataclass(frozen=True)
class DenseStatistics:
    """What one pass over all positions gives, undivided counts as dense arrays."""

    bigram_counts: np.ndarray
    context_weights: np.ndarray
    current_counts: np.ndarray
    rho_sums: np.ndarray
    n_positions: int

    @property
    def alpha(self) -> np.ndarray:
        return self.current_counts / self.n_positions

    @property
    def rho(self) -> np.ndarray:
        return self.rho_sums / self.n_positions

    @property
    def gamma(self) -> np.ndarray:
        return self.bigram_counts.sum(axis=0) / self.n_positions

    def basis(self, **options: Any) -> Basis:
        return Basis.from_counts(
            sparse.csr_array(self.bigram_counts),
            sparse.csr_array(self.context_weights),
            self.n_positions,
            current_frequency=self.alpha,
            context_frequency=self.rho,
            **options,
        )

    def uniform(self) -> tuple[np.ndarray, np.ndarray]:
        """Return dense B [9] and Phi [11]."""
        size = len(self.alpha)
        bigram = self.bigram_counts / self.n_positions - self.alpha[:, None] / size
        context = self.context_weights / self.n_positions - self.rho[None, :] / size
        return bigram, context

    def frequency(self) -> tuple[np.ndarray, np.ndarray]:
        """Return dense standardised residuals, entry by entry; 0 where a token never occurs."""
        return (
            residuals(self.bigram_counts / self.n_positions, self.alpha, self.gamma),
            residuals(self.context_weights / self.n_positions, self.gamma, self.rho),
        )


def residuals(joint: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return (joint - rows columns') / sqrt(rows columns')."""
    result = np.zeros_like(joint)
    for i, j in np.ndindex(joint.shape):
        if rows[i] > 0 and columns[j] > 0:
            result[i, j] = (joint[i, j] - rows[i] * columns[j]) / np.sqrt(rows[i] * columns[j])
    return result


def count(windows: list[list[int]], size: int) -> DenseStatistics:
    """Visit every position of every window, as the definitions say."""
    return to_dense(count_windows(windows, lambda t: 1 / t), size)


def to_dense(counts: NaiveCounts, size: int, scale_bits: int = 0) -> DenseStatistics:
    """Lay counts out as dense arrays; weights are in units of 2^-scale_bits."""
    bigram, context = np.zeros((size, size), dtype=np.int64), np.zeros((size, size))
    current, rho = np.zeros(size, dtype=np.int64), np.zeros(size)
    for array, part in ((bigram, counts.bigram), (current, counts.current_frequency)):
        for place, value in part.items():
            array[place] = value
    for array, part in ((context, counts.context), (rho, counts.context_frequency)):
        for place, value in part.items():
            array[place] = value / 2**scale_bits
    return DenseStatistics(bigram, context, current, rho, counts.n_positions)


def random_windows(n_windows: int, length: int, size: int, seed: int) -> list[list[int]]:
    """Return windows from a random Markov chain, so that the statistics are far from uniform."""
    return markov_documents(np.random.default_rng(seed), n_windows, size, (length, length + 1), 0.2)
