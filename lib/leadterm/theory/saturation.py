"""The sum of an optimizer's steps as a function of one entry of a gradient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch


@dataclass(frozen=True)
class Saturation:
    """x -> sum_j gain_j x / (scale_j |x| + eps), and 0 at 0: linear near zero, of a constant size far from it.

    One step of Adam is eta phi_eps(x) with phi_eps(x) = x / (|x| + eps). With eps = 0 it is a multiple of the sign;
    if every scale is 0 it is linear, as under gradient descent.

    Attributes
    ----------
    gains, scales : tuple of float
        The scales are at least 0.
    eps : float
        At least 0. If it is 0, terms of scale 0 are dropped: they are steps at which the gradient was zero.

    Examples
    --------
    >>> phi = Saturation.of([(1.0, 1.0)], eps=1e-3)
    >>> [round(entry, 4) for entry in phi(torch.tensor([-1.0, 0.0, 1e-3, 1.0], dtype=torch.float64)).tolist()]
    [-0.999, 0.0, 0.5, 0.999]
    """

    gains: tuple[float, ...]
    scales: tuple[float, ...]
    eps: float

    temporaries = 2

    @classmethod
    def of(cls, terms: Iterable[tuple[float, float]], eps: float) -> Saturation:
        """Return the function of some pairs (gain, scale); gains with equal scales are added up."""
        if eps == 0:
            limit = sum(gain / scale for gain, scale in terms if scale > 0)
            return cls((limit,), (1.0,), 0.0)
        gains: dict[float, float] = {}
        for gain, scale in terms:
            gains[scale] = gains.get(scale, 0.0) + gain
        return cls(tuple(gains.values()), tuple(gains), eps)

    def __call__(self, entries: torch.Tensor) -> torch.Tensor:
        """Return the function of each entry, in the tensor's own number type."""
        if self.is_sign:
            return entries.sign().mul_(self.limit)
        result = torch.zeros_like(entries)
        for gain, scale in zip(self.gains, self.scales, strict=True):
            result += entries.abs().mul_(scale).add_(self.eps).reciprocal_().mul_(gain)
        return result.mul_(entries)

    @property
    def is_sign(self) -> bool:
        """Whether it is a multiple of the sign."""
        return self.eps == 0

    @cached_property
    def limit(self) -> float:
        """Its limit for large x without the terms of scale 0: sum gain_j / scale_j."""
        return sum(gain / scale for gain, scale in zip(self.gains, self.scales, strict=True) if scale > 0)

    @cached_property
    def slope(self) -> float:
        """Its derivative at 0, which is the largest one if no gain is negative; infinite for a sign."""
        return sum(self.gains) / self.eps if self.eps > 0 else float("inf")

    def __str__(self) -> str:
        return "sign" if self.is_sign else "phi"
