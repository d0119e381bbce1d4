"""The training that a prediction describes: number of steps, learning rate, model, initial weights and optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from leadterm.errors import InputError
from leadterm.theory.optimizers import GradientDescent, Optimizer, require_optimizer


@dataclass(frozen=True)
class Gaussian:
    """Initial weights drawn independently from N(0, v^2 / V^(2 + 2 xi)) (Theorem D.13).

    Attributes
    ----------
    spread : float
        v, positive.
    exponent : float
        xi; the theorem requires at least 0.

    Raises
    ------
    InputError
        If the spread is not positive, or a number is not finite.
    """

    spread: float
    exponent: float = 0.0

    def __post_init__(self) -> None:
        _require_positive("spread", self.spread)
        if not _is_finite(self.exponent):
            raise InputError(f"exponent must be a finite number, found {self.exponent!r}.")


@dataclass(frozen=True)
class Descent:
    """Full-batch training of a model of Definition 3.1.

    Attributes
    ----------
    steps : int
        s, at least 0.
    learning_rate : float
        eta, positive.
    layers : int
        L, at least 1.
    context_length : int
        T, at least 1: the largest number of positions of a window.
    initialisation : Gaussian or None
        The weights before the first step; None: all zero.
    optimizer : Optimizer
        How a step is computed from a gradient; gradient descent by default.
    order : {1, 2}
        How many orders in eta are predicted: only the leading terms, or the next ones too.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    steps: int
    learning_rate: float
    layers: int
    context_length: int
    initialisation: Gaussian | None = None
    optimizer: Optimizer = field(default_factory=GradientDescent)
    order: int = 1

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("layers", 1), ("context_length", 1)):
            number = getattr(self, name)
            if not isinstance(number, Integral) or isinstance(number, bool) or number < least:
                raise InputError(f"{name} must be a whole number of at least {least}, found {number!r}.")
        _require_positive("learning_rate", self.learning_rate)
        if not isinstance(self.initialisation, Gaussian | None):
            raise InputError(f"initialisation is None (all zero) or Gaussian(...), found {self.initialisation!r}.")
        require_optimizer(self.optimizer)
        self._check_order()

    @property
    def has_bounds(self) -> bool:
        """Whether the theorems speak of it: of the leading terms under gradient descent alone."""
        return isinstance(self.optimizer, GradientDescent) and self.order == 1

    def _check_order(self) -> None:
        if self.order not in (1, 2) or isinstance(self.order, bool):
            raise InputError(f"order must be 1 (leading terms) or 2 (the next ones too), found {self.order!r}.")


def _is_finite(number: Any) -> bool:
    return isinstance(number, Real) and math.isfinite(number)


def _require_positive(name: str, number: Any) -> None:
    if not _is_finite(number) or number <= 0:
        raise InputError(f"{name} must be a positive number, found {number!r}.")
