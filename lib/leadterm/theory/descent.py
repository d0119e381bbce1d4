"""The gradient descent that a prediction is about: how many steps, how long, from which weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from leadterm.errors import InputError


@dataclass(frozen=True)
class Gaussian:
    """Weights that start as N(0, v^2 / V^(2 + 2 xi)), each drawn by itself (Theorem D.13).

    Attributes
    ----------
    spread : float
        v, positive.
    exponent : float
        xi; the theorem asks for at least 0.

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
    """Full-batch gradient descent on a model of Definition 3.1.

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
        What the weights are before the first step; None: all zero.

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

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("layers", 1), ("context_length", 1)):
            number = getattr(self, name)
            if not isinstance(number, Integral) or isinstance(number, bool) or number < least:
                raise InputError(f"{name} must be a whole number of at least {least}, found {number!r}.")
        _require_positive("learning_rate", self.learning_rate)
        if not isinstance(self.initialisation, Gaussian | None):
            raise InputError(f"initialisation is None (all zero) or Gaussian(...), found {self.initialisation!r}.")


def _is_finite(number: Any) -> bool:
    return isinstance(number, Real) and math.isfinite(number)


def _require_positive(name: str, number: Any) -> None:
    if not _is_finite(number) or number <= 0:
        raise InputError(f"{name} must be a positive number, found {number!r}.")
