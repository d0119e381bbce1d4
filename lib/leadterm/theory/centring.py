"""From counts to the two basis functions: what is subtracted, and how tokens are weighted."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import InputError
from leadterm.operators import Operator, RankOneOperator, SparseOperator
from leadterm.theory.restriction import Statistics

Centring = Literal["uniform", "frequency"]
"""``uniform``: the paper's, minus 1/V. ``frequency``: leadterm's, standardised residuals from independence."""

BIGRAM_AXES = (Axis.CURRENT, Axis.NEXT)
CONTEXT_AXES = (Axis.NEXT, Axis.CONTEXT)


def uniform(statistics: Statistics, *, dtype: torch.dtype, device: torch.device) -> tuple[Operator, Operator]:
    """Return the paper's bigram and context: B = P - alpha 1'/V [9] and Phi = W - 1 rho'/V [11], both per position."""
    ones = np.ones(len(statistics.current_frequency))
    share = ones / statistics.vocabulary_size
    bigram = SparseOperator(per_position(statistics.bigram_counts, statistics), BIGRAM_AXES, dtype=dtype, device=device)
    context = SparseOperator(
        per_position(statistics.context_weights, statistics), CONTEXT_AXES, dtype=dtype, device=device
    )
    current, rho = statistics.current_frequency, statistics.context_frequency
    return (
        bigram - RankOneOperator(current, share, BIGRAM_AXES, dtype=dtype, device=device),
        context - RankOneOperator(share, rho, CONTEXT_AXES, dtype=dtype, device=device),
    )


def frequency(statistics: Statistics, *, dtype: torch.dtype, device: torch.device) -> tuple[Operator, Operator]:
    """Return standardised residuals: each joint frequency minus the product of its margins, divided by its root.

    With gamma the next-token frequency: D_alpha^-1/2 P D_gamma^-1/2 - sqrt(alpha) sqrt(gamma)' for the bigram, the
    same with gamma and rho for the context (the matrix that correspondence analysis decomposes). A token that never
    occurs has a row or column of zeros. This is not the paper's centring, and its theorems do not cover it.
    """
    if not statistics.is_whole:
        raise InputError("centring='frequency' needs the counts of the whole vocabulary, not of some kept tokens.")
    gamma = statistics.next_frequency
    parts = (
        (statistics.bigram_counts, statistics.current_frequency, gamma, BIGRAM_AXES),
        (statistics.context_weights, gamma, statistics.context_frequency, CONTEXT_AXES),
    )
    bigram, context = (
        SparseOperator(_standardised(per_position(counts, statistics), rows, columns), axes, dtype=dtype, device=device)
        - RankOneOperator(np.sqrt(rows), np.sqrt(columns), axes, dtype=dtype, device=device)
        for counts, rows, columns, axes in parts
    )
    return bigram, context


def per_position(counts: sparse.csr_array, statistics: Statistics) -> sparse.csr_array:
    """Return counts / M in float64, sharing the index arrays."""
    values = counts.data / np.float64(statistics.n_positions)
    return sparse.csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


def _standardised(joint: sparse.csr_array, rows: np.ndarray, columns: np.ndarray) -> sparse.csr_array:
    """Divide each entry by the roots of its row's and its column's frequency, which are positive wherever it is."""
    row_numbers = np.repeat(np.arange(joint.shape[0]), np.diff(joint.indptr))
    scale = np.sqrt(rows)[row_numbers] * np.sqrt(columns)[joint.indices]
    values = np.divide(joint.data, scale, out=np.zeros_like(joint.data), where=scale > 0)
    return sparse.csr_array((values, joint.indices, joint.indptr), shape=joint.shape)
