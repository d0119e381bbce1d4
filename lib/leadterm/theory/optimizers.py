"""The optimizers whose weights are predicted, and their steps for gradients that are multiples of one matrix.

All of them compute a step from running means of a gradient and of its square, entry by entry. If the gradients of a
weight at steps 1, 2, ... are c_1 g, c_2 g, ... for numbers c_j and one matrix g, Adam's means after bias correction are

    m_j = mean_j(c) g          mean_j(c) = (1 - beta_1) sum_{k <= j} beta_1^(j - k) c_k / (1 - beta_1^j)
    v_j = root_j(c)^2 g^2      root_j(c)^2 the same mean of c_k^2 with beta_2

so that step j adds eta mean_j g / (root_j |g| + eps): a function of g alone, entry by entry. Gradient descent is the
same with root_j = 0 and eps = 1, sign descent with beta_1 = beta_2 = 0 and eps = 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from leadterm.errors import InputError


@dataclass(frozen=True)
class GradientDescent:
    """Plain gradient descent: a step is eta times the gradient. The paper's theorems apply to it."""

    eps = 1.0
    weight_decay = 0.0

    def moments(self, scales: Sequence[float]) -> list[tuple[float, float]]:
        """Return (mean_j, root_j) for gradients c_1 g, c_2 g, ...: (c_j, 0)."""
        return [(scale, 0.0) for scale in scales]


@dataclass(frozen=True)
class Adam:
    """Adam with bias correction (Kingma and Ba 2015), as ``torch.optim.Adam`` does it.

    Attributes
    ----------
    betas : tuple of float
        beta_1 and beta_2, decay rates of the running means, each in [0, 1).
    eps : float
        Added to the root of the second mean; at least 0. With 0, a step moves every entry whose gradient is nonzero.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> [(round(mean, 3), round(root, 3)) for mean, root in Adam().moments([1.0, 1.0])]
    [(1.0, 1.0), (1.0, 1.0)]
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    weight_decay = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", _checked_betas(self.betas))
        _require_at_least_zero("eps", self.eps)

    def moments(self, scales: Sequence[float]) -> list[tuple[float, float]]:
        """Return (mean_j, root_j) for gradients c_1 g, c_2 g, ...."""
        means, squares = (_corrected_means(beta, values) for beta, values in zip(
            self.betas, (scales, [scale**2 for scale in scales]), strict=True
        ))  # fmt: skip
        return [(mean, math.sqrt(square)) for mean, square in zip(means, squares, strict=True)]


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), as ``torch.optim.AdamW`` does it.

    Attributes
    ----------
    weight_decay : float
        lambda, at least 0: before each step a weight is multiplied by 1 - eta lambda.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_at_least_zero("weight_decay", self.weight_decay)


@dataclass(frozen=True)
class SignDescent:
    """Sign descent: a step is eta times the sign of the gradient. Adam with both betas and eps at 0."""

    eps = 0.0
    weight_decay = 0.0

    def moments(self, scales: Sequence[float]) -> list[tuple[float, float]]:
        """Return (mean_j, root_j) for gradients c_1 g, c_2 g, ...: (c_j, |c_j|)."""
        return [(scale, abs(scale)) for scale in scales]


Optimizer = GradientDescent | Adam | SignDescent
"""``AdamW`` is an ``Adam``."""

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": GradientDescent,
    "adam": Adam,
    "adamw": AdamW,
    "sign": SignDescent,
}
"""By their names in a config."""


def make_optimizer(name: str, **settings: Any) -> Optimizer:
    """Return the optimizer of a name, with those of the settings that apply to it.

    Raises
    ------
    InputError
        If there is no optimizer of that name, or a setting is out of range.

    Examples
    --------
    >>> make_optimizer("adam", eps=1e-6, weight_decay=0.1)
    Adam(betas=(0.9, 0.999), eps=1e-06)
    """
    if name not in OPTIMIZERS:
        raise InputError(f"there is no optimizer {name!r}; choose one of {', '.join(OPTIMIZERS)}.")
    kind = OPTIMIZERS[name]
    return kind(**{key: value for key, value in settings.items() if key in getattr(kind, "__dataclass_fields__", ())})


def require_optimizer(optimizer: Any) -> Optimizer:
    """Return an optimizer, refusing anything else.

    Raises
    ------
    InputError
        If it is not an optimizer, or is a class instead of an instance.
    """
    if isinstance(optimizer, GradientDescent | Adam | SignDescent):
        return optimizer
    raise InputError(
        f"optimizer must be GradientDescent(), Adam(...), AdamW(...) or SignDescent() of leadterm.theory, found "
        f"{optimizer!r}."
    )


def _corrected_means(beta: float, values: Sequence[float]) -> list[float]:
    """Return the running means of some numbers, from 0, divided by 1 - beta^j."""
    found, mean = [], 0.0
    for j, value in enumerate(values, start=1):
        mean = beta * mean + (1 - beta) * value
        found.append(mean / (1 - beta**j))
    return found


def _checked_betas(betas: Any) -> tuple[float, float]:
    """Return betas as two floats."""
    try:
        found = tuple(betas)
    except TypeError:
        found = ()
    if len(found) != 2 or not all(isinstance(beta, float | int) and 0 <= beta < 1 for beta in found):
        raise InputError(f"betas must be two numbers, each at least 0 and less than 1, found {betas!r}.")
    return float(found[0]), float(found[1])


def _require_at_least_zero(name: str, number: Any) -> None:
    if not isinstance(number, Real) or not math.isfinite(number) or number < 0:
        raise InputError(f"{name} must be a finite number of at least 0, found {number!r}.")
