"""The counts that a composition is made of, restricted to the tokens that are kept."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class PairStatistics:
    """The statistics of a corpus per position; ids are those of the whole vocabulary, V.

    Attributes
    ----------
    bigram : scipy.sparse.csr_array, float64 (V, V), [CURRENT, NEXT]
        The share of positions with that pair; kept rows and columns only.
    context : scipy.sparse.csr_array, float64 (V, V), [NEXT, CONTEXT]
        The mean of 1/t over positions of that next token and their context tokens; kept rows and columns only.
    current_frequency, context_frequency : numpy.ndarray, float64 (V,)
        alpha and rho; 0 where a token is not kept.
    kept : numpy.ndarray, bool (V,)
        Which tokens are kept.
    """

    bigram: csr_array
    context: csr_array
    current_frequency: NDArray[np.float64]
    context_frequency: NDArray[np.float64]
    kept: NDArray[np.bool_]

    @classmethod
    def from_counts(
        cls,
        bigram_counts: csr_array,
        context_weights: csr_array,
        n_positions: int,
        kept: NDArray[np.bool_] | None = None,
    ) -> "PairStatistics":
        """Divide counts by the positions, M, after leaving out what is not kept.

        The frequencies are the sums of the whole matrices, so that their bytes agree with them.
        """
        size = bigram_counts.shape[0]
        mask = np.ones(size, dtype=np.bool_) if kept is None else kept
        alpha = np.asarray(bigram_counts.sum(axis=1), dtype=np.float64) / n_positions
        rho = np.asarray(context_weights.sum(axis=0), dtype=np.float64) / n_positions
        parts = [_restrict(matrix, mask) for matrix in (bigram_counts, context_weights)]
        bigram, context = (
            csr_array((part.data / np.float64(n_positions), part.indices, part.indptr), shape=part.shape)
            for part in parts
        )
        return cls(bigram, context, np.where(mask, alpha, 0.0), np.where(mask, rho, 0.0), mask)

    @property
    def size(self) -> int:
        """V."""
        return len(self.kept)

    @property
    def n_kept(self) -> int:
        """How many tokens are kept."""
        return int(self.kept.sum())

    @cached_property
    def row_sums(self) -> NDArray[np.float64]:
        """Of the bigram: alpha, where all tokens are kept."""
        if self.n_kept == self.size:
            return self.current_frequency
        return np.asarray(self.bigram.sum(axis=1), dtype=np.float64)

    @cached_property
    def column_sums(self) -> NDArray[np.float64]:
        """Of the context: rho, where all tokens are kept."""
        if self.n_kept == self.size:
            return self.context_frequency
        return np.asarray(self.context.sum(axis=0), dtype=np.float64)


def _restrict(matrix: csr_array, kept: NDArray[np.bool_]) -> csr_array:
    """Drop the entries in rows and columns that are not kept; the shape stays."""
    if kept.all():
        return matrix
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    stays = kept[rows] & kept[matrix.indices]
    lengths = np.bincount(rows[stays], minlength=matrix.shape[0])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((matrix.data[stays], matrix.indices[stays], offsets), shape=matrix.shape)
