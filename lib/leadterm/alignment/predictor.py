"""A predictor, prepared once for all layers and checkpoints.

What a layer costs, for V tokens, d_model = d and a predictor whose sparse parts hold z entries: one product C' X, that
is 2 z d flops, where K X would take two, since tr(X' K X) = |C' X|^2; and one Gram matrix, 2 V d^2. For V = 49,152,
d = 576 and the context matrix of 11.6 million tokens (z = 31 million) that is 35 and 33 GFlop. All heads, and both
metrics, follow from the d x d result. A product reads its entries once, in float64
12 z bytes or 0.4 GB; the sums pass through the caches once for each tile of 4 MiB of X, which are 54.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from leadterm.alignment.centred_rows import CentredRows
from leadterm.alignment.moments import FEWEST_TOKENS, Moments
from leadterm.alignment.norms import NormMethod, centred_norm
from leadterm.alignment.streams import NOTHING, gram
from leadterm.errors import InputError
from leadterm.operators import Operator

WORKSPACE = 2**29
"""Bytes for blocks of dense rows. An array of more than 32 MiB goes back to the system when it is let go, whatever the
allocator: with 256 MiB for the blocks of V = 49,152 tokens, arrays were smaller, and glibc 2.36 grew by 7 GB."""

TOLERANCE = 2e-4
"""Relative standard error of an estimated norm: five of them are the 1e-3 that scores are to be right to."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """A matrix that may explain a checkpoint, with the covariance K of its rows.

    Rows are scaled to unit norm (zero rows stay zero), each row's mean is taken off, and K = C C'.

    Attributes
    ----------
    name : str
        As it will stand in the scores.
    rows : CentredRows
        C.
    moments : Moments
        Of K: norms, and what its permutation null needs.
    norm_error : float
        Relative standard error of the norm of the double-centred K, and of every centred score with it; 0 if exact.
    """

    name: str
    rows: CentredRows
    moments: Moments
    norm_error: float

    @property
    def dtype(self) -> torch.dtype:
        """Of products with it."""
        return self.rows.operator.dtype

    @property
    def device(self) -> torch.device:
        """Where products with it are made."""
        return self.rows.operator.device

    def weighted(self, centred: torch.Tensor) -> torch.Tensor:
        """Return X' K X, (d, d) float64, for the centred rows X (n, d) of a stream."""
        return gram(self.rows.apply_transposed(centred))


def prepare(
    name: str,
    operator: Operator,
    *,
    norm: NormMethod = "auto",
    tolerance: float = TOLERANCE,
    memory_bytes: int = WORKSPACE,
    seed: int = 0,
) -> Predictor:
    """Compute once what all scores against a predictor need.

    Parameters
    ----------
    name : str
        For the scores.
    operator : Operator, shape (n, m)
        Rows stand for the tokens that are scored.
    norm : {"auto", "exact", "estimated"}
        How the norm of its covariance is found; see :mod:`leadterm.alignment.norms`.
    tolerance : float
        The standard error to which it is estimated, relative.
    memory_bytes : int
        What blocks of its rows may take.
    seed : int
        Of an estimate.

    Raises
    ------
    InputError
        If it has fewer than four rows, or its rows are all zero, constant or equal: then nothing can agree with it.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from leadterm.axes import Axis
    >>> from leadterm.operators import SparseOperator
    >>> counts = sparse.csr_array(np.diag([1.0, 2.0, 3.0, 4.0]))
    >>> predictor = prepare("bigram", SparseOperator(counts, (Axis.CURRENT, Axis.NEXT)))
    >>> round(predictor.moments.trace, 9), predictor.norm_error
    (3.0, 0.0)
    """
    if operator.shape[0] < FEWEST_TOKENS:
        raise InputError(f"{operator!r} has {operator.shape[0]} rows; the null needs {FEWEST_TOKENS} tokens at least.")
    rows = CentredRows(operator, operator.row_norms(memory_bytes))
    diagonal, margins, mean = _margins(rows)
    if float(diagonal.sum()) <= _rounding(operator.dtype) * operator.shape[0]:
        raise InputError(
            f"the rows of {name} ({operator!r}) are all equal, so nothing can agree with them: compute "
            "in float64 if this is float32, leave it out, or count a corpus in which these tokens occur."
        )
    found = centred_norm(rows, norm, tolerance=tolerance, memory_bytes=memory_bytes, seed=seed)
    return Predictor(name, rows, Moments(diagonal, margins, mean, found.square), found.relative_error)


def _margins(rows: CentredRows) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Return the diagonal of H K H, the margins of K and its mean, from w = C'1/n: K1/n = C w, 1'K1/n^2 = w'w."""
    ones = torch.ones(rows.shape[0], 1, dtype=rows.operator.dtype, device=rows.operator.device)
    mean_row = rows.apply_transposed(ones) / rows.shape[0]
    sums = rows.apply(mean_row)[:, 0].to(torch.float64)
    mean, margins = float(sums.mean()), sums - sums.mean()
    return (rows.squares() - 2 * margins - mean).clamp(min=0), margins, mean


def _rounding(dtype: torch.dtype) -> float:
    """Return the share of a row's unit square below which its variance is rounding alone."""
    return max(NOTHING, 64 * torch.finfo(dtype).eps)
