"""The two matrices of a corpus that the next order in eta needs in addition to the basis functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import InputError
from leadterm.operators import Operator, RankOneOperator, SparseOperator
from leadterm.theory.centring import CONTEXT_AXES, per_position
from leadterm.theory.restriction import FIXED_POINT_TOLERANCE, Statistics

OWN_AXES = (Axis.CURRENT, Axis.CONTEXT)


@dataclass(frozen=True, eq=False)
class NextOrderCounts:
    """The counts of a corpus for the next order.

    Attributes
    ----------
    two_hop_weights : scipy.sparse.csr_array, shape (V, V), float64, [NEXT, CONTEXT]
        Sum over positions t of that next token, and their context tokens j <= t, of (1/t) (1/j + ... + 1/t).
    two_hop_frequency : numpy.ndarray, shape (V,), float64
        Its column sums per position, over the whole vocabulary.
    current_context_weights : scipy.sparse.csr_array, shape (V, V), float64, [CURRENT, CONTEXT]
        Sum of 1/t over positions t of that current token and their context tokens.
    """

    two_hop_weights: sparse.csr_array
    two_hop_frequency: np.ndarray
    current_context_weights: sparse.csr_array


@dataclass(frozen=True, eq=False)
class NextOrder:
    """The operators of the next order.

    Attributes
    ----------
    two_hop : Operator, shape (V, V), [NEXT x CONTEXT]
        Phi_2: like the context map Phi, but through attention twice. Columns sum to 0.
    current_context : Operator, shape (V, V), [CURRENT x CONTEXT]
        Psi': the weight of the context token in contexts of the current one, per position.
    current : Operator, shape (V, V), [CURRENT x CURRENT]
        diag(alpha).
    """

    two_hop: Operator
    current_context: Operator
    current: Operator

    @classmethod
    def from_counts(
        cls, counts: NextOrderCounts, statistics: Statistics, *, dtype: torch.dtype, device: torch.device
    ) -> NextOrder:
        """Build the operators, per position.

        Raises
        ------
        InputError
            If the sums of a matrix do not equal the frequencies.
        """
        _check_margins(counts, statistics)
        share = np.full(len(statistics.current_frequency), 1 / statistics.vocabulary_size)

        def sparse_operator(matrix: sparse.csr_array, axes: tuple[Axis, Axis]) -> SparseOperator:
            return SparseOperator(matrix, axes, dtype=dtype, device=device)

        two_hop = sparse_operator(per_position(counts.two_hop_weights, statistics), CONTEXT_AXES)
        mean = RankOneOperator(share, counts.two_hop_frequency, CONTEXT_AXES, dtype=dtype, device=device)
        own = sparse_operator(per_position(counts.current_context_weights, statistics), OWN_AXES)
        diagonal = sparse.csr_array(sparse.diags_array(statistics.current_frequency))
        current = sparse_operator(diagonal, (Axis.CURRENT, Axis.CURRENT))
        return cls((two_hop - mean).named("two_hop"), own.named("current_context"), current.named("diag(current)"))


def _check_margins(counts: NextOrderCounts, statistics: Statistics) -> None:
    """Compare sums with frequencies, where the whole vocabulary is there; a transposed matrix does not pass."""
    if not statistics.is_whole:
        return
    tolerance = max(statistics.weight_error, FIXED_POINT_TOLERANCE)
    own = counts.current_context_weights
    margins = (
        ("rows of two_hop_weights", counts.two_hop_weights.sum(axis=1), statistics.next_frequency),
        ("rows of current_context_weights", own.sum(axis=1), statistics.current_frequency),
        ("columns of current_context_weights", own.sum(axis=0), statistics.context_frequency),
    )
    for name, sums, expected in margins:
        found = np.asarray(sums, dtype=np.float64) / statistics.n_positions
        wrong = np.flatnonzero(~np.isclose(found, expected, rtol=tolerance, atol=1e-15))
        if len(wrong):
            token = int(wrong[0])
            raise InputError(
                f"the {name} sum to {found[token]:.6g} per position at token {token}, where {expected[token]:.6g} is "
                "expected. They are of another corpus, or the matrix is transposed."
            )
