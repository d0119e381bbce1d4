"""Operators of every kind, each beside the dense matrix it stands for and the mass that bounds its rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.operators import EntrywiseOperator, Operator, RankOneOperator, RelabelledOperator, SparseOperator
from leadterm.theory import Saturation

C, N, X = Axis.CURRENT, Axis.NEXT, Axis.CONTEXT

ROUNDINGS = 64
"""A dot product of length n in floating point is off by at most n eps times the product of absolute values (Higham,
Accuracy and Stability, 3.1). No expression here chains more than 64 additions and multiplications per entry."""


@dataclass(frozen=True)
class Case:
    """An operator, the float64 matrix it stands for, and the same expression in absolute values (`mass`)."""

    operator: Operator
    dense: np.ndarray
    mass: np.ndarray

    @property
    def T(self) -> Case:
        return Case(self.operator.T, self.dense.T, self.mass.T)

    def __matmul__(self, other: Case) -> Case:
        return Case(self.operator @ other.operator, self.dense @ other.dense, self.mass @ other.mass)

    def __add__(self, other: Case) -> Case:
        return Case(self.operator + other.operator, self.dense + other.dense, self.mass + other.mass)

    def __sub__(self, other: Case) -> Case:
        return Case(self.operator - other.operator, self.dense - other.dense, self.mass + other.mass)

    def __rmul__(self, factor: float) -> Case:
        return Case(factor * self.operator, factor * self.dense, abs(factor) * self.mass)

    def relabelled(self, rows: Axis, columns: Axis) -> Case:
        return Case(RelabelledOperator(self.operator, (rows, columns)), self.dense, self.mass)

    def saturated(self, function: Saturation) -> Case:
        """A function of each entry, whose slope is nowhere more than at 0."""
        dense = function(torch.from_numpy(self.dense)).numpy()
        return Case(EntrywiseOperator(function, self.operator), dense, function.slope * self.mass)

    def tolerance(self) -> float:
        """Return the relative-to-mass rounding of this case's number type."""
        return ROUNDINGS * torch.finfo(self.operator.dtype).eps


class Maker:
    """Random leaves on one device in one number type; their oracle holds the values after rounding to that type."""

    def __init__(self, dtype: torch.dtype, device: str) -> None:
        self.random = np.random.default_rng(7)
        self.options = {"dtype": dtype, "device": device}
        self.rounded = np.float32 if dtype == torch.float32 else np.float64

    def sparse(self, rows: int, columns: int, axes: tuple[Axis, Axis], density: float = 0.5) -> Case:
        keep = self.random.random((rows, columns)) < density
        dense = (keep * self.random.standard_normal((rows, columns))).astype(self.rounded).astype(np.float64)
        return Case(SparseOperator(sparse.csr_array(dense), axes, **self.options), dense, np.abs(dense))

    def rank_one(self, rows: int, columns: int, axes: tuple[Axis, Axis]) -> Case:
        u, v = (self.random.standard_normal(size).astype(self.rounded).astype(np.float64) for size in (rows, columns))
        dense = np.outer(u, v)
        return Case(RankOneOperator(u, v, axes, **self.options), dense, np.abs(dense))


def make_cases(dtype: torch.dtype, device: str) -> dict[str, Case]:
    """Return one case of every kind, nested ones among them; most are 5 x 7."""
    make = Maker(dtype, device)
    bigram, mean = make.sparse(5, 7, (C, N)), make.rank_one(5, 7, (C, N))
    centred = bigram - mean
    context = make.sparse(7, 4, (N, X)) + make.rank_one(7, 4, (N, X))
    interchange = centred.T @ centred
    phi = Saturation.of([(1.0, 1.0), (0.5, 3.0)], eps=0.5)
    return {
        "sparse": bigram,
        "sparse transposed": bigram.T,
        "sparse without entries": make.sparse(5, 7, (C, N), density=0.0),
        "sparse 1 x 1": make.sparse(1, 1, (C, N), density=1.0),
        "rank one": mean,
        "scaled sparse": -2.5 * bigram,
        "scaled rank one": 0.5 * mean,
        "scaled twice": 2.0 * (3.0 * bigram),
        "sum": bigram + mean,
        "centred": centred,
        "sum of four": centred + 0.5 * centred,
        "product": bigram.T @ bigram,
        "interchange": interchange,
        "value, 4 x 5": context.T @ centred.T,
        "composed": interchange @ context,
        "product of scaled": (2.0 * centred) @ (-1.0 * context),
        "saturated sparse": bigram.saturated(phi),
        "saturated product, 4 x 5": (context.T @ centred.T).saturated(phi),
        "product with a saturated one": (0.1 * context.T @ centred.T).saturated(phi) @ bigram,
        "relabelled": (centred @ context).relabelled(N, C).T @ mean.relabelled(N, X),
        "nested": 3.0 * (interchange + make.sparse(7, 7, (N, N))).T @ (0.25 * context) - context,
    }
