"""Frobenius norms and inner products of operators, without a dense matrix.

An operator is a weighted sum of terms, A = sum c_i A_i. If all terms are sparse or rank one, every <A_i, A_j> is known
in O(nonzeros): <S, u v'> = u' S v and <u v', x y'> = (u'x)(v'y). Each such number carries a relative rounding
error of the order of eps = 2^-53 (sums of n numbers in pairs: about eps log n) *of the norms that enter it*, so
|error of <A, B>| <= c eps (sum ||c_i A_i||) (sum ||d_j B_j||), by Cauchy and Schwarz.

Subtracting a rank-one term can cancel: with kappa = (sum ||c_i A_i||) / ||A|| the relative error of ||A||^2 is
c eps kappa^2. The closed form is used while kappa <= 10, which costs at most two digits; for a bigram or context
matrix of a real corpus kappa is below 2. Above it, and for products, rows are computed in blocks and their squares
summed in float64: no cancellation between terms reaches the sum, the error is that of the rows themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import torch

from leadterm.operators.row_blocks import row_blocks

if TYPE_CHECKING:
    from leadterm.operators.operator import Operator

Known = TypeVar("Known", float, torch.Tensor)
CANCELLATION_LIMIT = 10.0
"""The largest kappa at which the closed form is used; see the docstring of this module."""


def norm(operator: Operator, memory_bytes: int) -> float:
    """Return the Frobenius norm."""
    closed = _closed_norm(operator)
    return math.sqrt(_blocked(operator, operator, memory_bytes)) if closed is None else closed


def inner(left: Operator, right: Operator, memory_bytes: int) -> float:
    """Return the Frobenius inner product of two operators with the same axes and shape."""
    closed = _closed_inner(left, right) if _is_sound(left) and _is_sound(right) else None
    return _blocked(left, right, memory_bytes) if closed is None else closed


def _is_sound(operator: Operator) -> bool:
    """Say whether an operator's terms do not cancel, as a single term cannot."""
    return len(operator._terms()) == 1 or _closed_norm(operator) is not None


def _closed_norm(operator: Operator) -> float | None:
    """Return the norm from the terms' inner products, or None if unknown or spoilt by cancellation."""
    lengths = [(abs(factor), term._closed_inner(term)) for factor, term in operator._terms()]
    square = _closed_inner(operator, operator)
    if square is None:
        return None
    total = sum(factor * math.sqrt(known) for factor, known in lengths if known is not None)
    return math.sqrt(square) if square > 0 and square >= (total / CANCELLATION_LIMIT) ** 2 else None


def _closed_inner(left: Operator, right: Operator) -> float | None:
    """Return the inner product from those of the terms, or None if one has no closed form."""
    return sum_of_pairs(left, right, lambda one, other: one._closed_inner(other), 0.0)


def sum_of_pairs(
    left: Operator, right: Operator, closed: Callable[[Operator, Operator], Known | None], total: Known
) -> Known | None:
    """Add to ``total`` the closed form for each pair of terms, or return None if one has none."""
    for left_factor, left_term in left._terms():
        for right_factor, right_term in right._terms():
            known = closed(left_term, right_term)
            known = closed(right_term, left_term) if known is None else known
            if known is None:
                return None
            total = total + left_factor * right_factor * known
    return total


def _blocked(left: Operator, right: Operator, memory_bytes: int) -> float:
    """Sum the products of entries by blocks of rows, or of columns if those are fewer."""
    same = left is right
    if left.shape[0] > left.shape[1]:
        left, right = left.T, right.T
    held = left._row_bytes() + (0 if same else right._row_bytes())
    product_bytes = left.shape[1] * left.dtype.itemsize
    total = torch.zeros((), dtype=torch.float64, device=left.device)
    for indices in row_blocks(left, held + product_bytes, memory_bytes):
        rows = left._rows(indices)
        total += torch.sum(rows * (rows if same else right._rows(indices)), dtype=torch.float64)
    return float(total)
