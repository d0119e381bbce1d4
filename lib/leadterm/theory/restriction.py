"""The statistics of a corpus, checked for consistency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from leadterm.errors import InputError

FIXED_POINT_TOLERANCE = 1e-5
"""Relative. A weight 1/t is stored as a multiple of 2^-32, so its relative error is at most t 2^-33: 1e-5 allows
windows of 85,000 tokens. A transposed matrix or another corpus deviates by far more. For a coarser scale the error is
passed in."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """Counts of one corpus over V tokens.

    Attributes
    ----------
    bigram_counts : scipy.sparse.csr_array, shape (V, V), [CURRENT, NEXT]
        How often each pair (x_t, y_t) occurs.
    context_weights : scipy.sparse.csr_array, shape (V, V), [NEXT, CONTEXT]
        Sum over positions with y_t = c of (1/t) times how often b is among x_1 ... x_t.
    n_positions : int
        M, the number of positions of the corpus.
    current_frequency, context_frequency : numpy.ndarray, shape (V,), float64
        alpha and rho.
    vocabulary_size : int
        The size of the whole vocabulary; larger than V if only some tokens are kept.
    weight_error : float
        The largest relative error of a stored weight 1/t.
    """

    bigram_counts: sparse.csr_array
    context_weights: sparse.csr_array
    n_positions: int
    current_frequency: np.ndarray
    context_frequency: np.ndarray
    vocabulary_size: int
    weight_error: float = 0.0

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_numbers()
        if self.is_whole:
            self._check_margins()

    @property
    def is_whole(self) -> bool:
        """Whether every token of the vocabulary is kept."""
        return bool(self.bigram_counts.shape[0] == self.vocabulary_size)

    @property
    def next_frequency(self) -> np.ndarray:
        """Frequency of each token as the next one, per position: gamma, (V,) float64."""
        return np.asarray(self.bigram_counts.sum(axis=0), dtype=np.float64) / self.n_positions

    def _check_sizes(self) -> None:
        size = len(self.current_frequency)
        found = {
            "bigram_counts": self.bigram_counts.shape,
            "context_weights": self.context_weights.shape,
            "context_frequency": self.context_frequency.shape,
        }
        wrong = {name: shape for name, shape in found.items() if set(shape) != {size}}
        if wrong:
            raise InputError(f"current_frequency has {size:,} tokens, so all sizes must be {size:,}; found {wrong}.")
        if self.vocabulary_size < size:
            raise InputError(
                f"vocabulary_size is {self.vocabulary_size:,}, less than the {size:,} tokens of the counts."
            )

    def _check_numbers(self) -> None:
        if self.n_positions < 1:
            raise InputError(f"n_positions is {self.n_positions}: a corpus without positions has no basis functions.")
        parts = {
            "bigram_counts": self.bigram_counts.data,
            "context_weights": self.context_weights.data,
            "current_frequency": self.current_frequency,
            "context_frequency": self.context_frequency,
        }
        for name, values in parts.items():
            if not np.all(np.isfinite(values)) or np.any(values < 0):
                raise InputError(f"{name} contains a negative or infinite number or a NaN.")

    def _check_margins(self) -> None:
        """Compare the sums of each matrix with the frequencies; a transposed matrix fails this check."""
        weights, tolerance = self.context_weights, max(self.weight_error, FIXED_POINT_TOLERANCE)
        margins = (
            ("rows of bigram_counts", self.bigram_counts.sum(axis=1), "current_frequency", self.current_frequency),
            ("columns of context_weights", weights.sum(axis=0), "context_frequency", self.context_frequency),
            ("rows of context_weights", weights.sum(axis=1), "columns of bigram_counts", self.next_frequency),
        )
        for name, sums, other, expected in margins:
            found = np.asarray(sums, dtype=np.float64) / self.n_positions
            wrong = np.flatnonzero(~np.isclose(found, expected, rtol=tolerance, atol=1e-15))
            if len(wrong):
                token = int(wrong[0])
                raise InputError(
                    f"the {name} sum to {found[token]:.6g} per position at token {token}, {other} to "
                    f"{expected[token]:.6g}. They belong to different corpora, n_positions is wrong, a matrix is "
                    "transposed, or only some tokens are kept (then pass vocabulary_size)."
                )


def restricted_matrix(matrix: sparse.csr_array, tokens: NDArray[np.int64] | None) -> sparse.csr_array:
    """Return the rows and columns of some tokens, given as ascending ids (k,), or of all for None: (k, k)."""
    return matrix if tokens is None or len(tokens) == matrix.shape[0] else matrix[tokens][:, tokens]
