"""A number that is not known yet: what is expected, and between which bounds."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """What is expected of a quantity that is not negative.

    Attributes
    ----------
    low, value, high
        The bounds, and what is expected; all three are equal where the quantity is known.

    Examples
    --------
    >>> Estimate.within(100.0, 0.1) * Estimate.exact(2.0)
    Estimate(low=180.0, value=200.0, high=220.00000000000003)
    """

    low: float
    value: float
    high: float

    @classmethod
    def exact(cls, value: float) -> "Estimate":
        """Make one that is known."""
        return cls(float(value), float(value), float(value))

    @classmethod
    def within(cls, value: float, share: float) -> "Estimate":
        """Make one that is wrong by such a share at most."""
        return cls(value * max(0.0, 1 - share), float(value), value * (1 + share))

    def __add__(self, other: "Estimate") -> "Estimate":
        """Add quantities that may be wrong together."""
        return Estimate(self.low + other.low, self.value + other.value, self.high + other.high)

    def __mul__(self, factor: "Estimate | float") -> "Estimate":
        """Multiply quantities that may be wrong together."""
        by = factor if isinstance(factor, Estimate) else Estimate.exact(factor)
        return Estimate(self.low * by.low, self.value * by.value, self.high * by.high)

    def through(self, function: Callable[[float], float]) -> "Estimate":
        """Apply a function that does not fall."""
        return Estimate(function(self.low), function(self.value), function(self.high))

    def between(self, low: float, high: float) -> "Estimate":
        """Keep within what is known for sure.

        Examples
        --------
        >>> Estimate(1.0, 2.0, 9.0).between(3.0, 5.0)
        Estimate(low=3.0, value=3.0, high=5.0)
        """
        return self.through(lambda value: min(max(value, low), high))

    @property
    def is_exact(self) -> bool:
        """Whether the quantity is known."""
        return self.low == self.high


def total(parts: "list[Estimate]") -> Estimate:
    """Add up."""
    return sum(parts, Estimate.exact(0))
