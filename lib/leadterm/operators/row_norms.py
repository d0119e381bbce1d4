"""Norms of all rows of an operator, without a dense matrix.

As in ``leadterm.operators.frobenius``: if all terms are sparse or rank one, the square of each row follows from the
rows' inner products, term by term, with a relative error of about eps kappa^2, kappa = (sum of the norms of the terms'
rows) / |row|. This is used for the rows whose kappa is at most 10. The other rows, and the rows of products, are
computed. A row of a sum that is zero except for the rounding of its terms (kappa > 1 / ROUNDING) counts as zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from leadterm.operators.frobenius import CANCELLATION_LIMIT, sum_of_pairs

if TYPE_CHECKING:
    from leadterm.operators.operator import Operator

ROUNDING = 16
"""In units of eps: a row of a sum of a few terms whose norm is less than this share of theirs is only rounding."""


def row_norms(operator: Operator, memory_bytes: int) -> torch.Tensor:
    """Return the Euclidean norm of each row: (m,) float64."""
    every = torch.arange(operator.shape[0], device=operator.device)
    squares, masses = _closed_squares(operator), _masses(operator)
    norms = _computed(operator, every, memory_bytes) if squares is None else squares.clamp(min=0).sqrt()
    if masses is not None:
        if squares is not None:
            spoilt = every[squares < (masses / CANCELLATION_LIMIT) ** 2]
            norms[spoilt] = _computed(operator, spoilt, memory_bytes)
        norms[norms <= ROUNDING * torch.finfo(operator.dtype).eps * masses] = 0
    return norms


def _masses(operator: Operator) -> torch.Tensor | None:
    """Return the sum of the norms of the terms' rows, or None if those of a term are unknown."""
    total = torch.zeros(operator.shape[0], dtype=torch.float64, device=operator.device)
    for factor, term in operator._terms():
        square = term._closed_row_inner(term)
        if square is None:
            return None
        total += abs(factor) * square.clamp(min=0).sqrt()
    return total


def _closed_squares(operator: Operator) -> torch.Tensor | None:
    """Return the squares of all rows from those of the terms, or None if one has no closed form."""
    nothing = torch.zeros(operator.shape[0], dtype=torch.float64, device=operator.device)
    return sum_of_pairs(operator, operator, lambda one, other: one._closed_row_inner(other), nothing)


def _computed(operator: Operator, rows: torch.Tensor, memory_bytes: int) -> torch.Tensor:
    """Compute some rows, a block at a time, and their norms."""
    block = max(1, memory_bytes // operator._row_bytes())
    found = [_norms_of(operator._rows(some)) for some in torch.split(rows, block)]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64, device=operator.device)


def _norms_of(rows: torch.Tensor) -> torch.Tensor:
    """Return the norms of dense rows (k, n): (k,) float64.

    Squares are summed in the rows' own type, which is three times as fast as in float64, after division by the largest
    entry: float32 has no squares below 1e-38, and rare tokens have rows of 1e-20.
    """
    largest = torch.linalg.vector_norm(rows, math.inf) if rows.numel() else rows.new_zeros(())
    if largest == 0:
        return torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
    shares: torch.Tensor = torch.linalg.vector_norm(rows / largest, dim=1)
    return shares.to(torch.float64) * largest.to(torch.float64)
