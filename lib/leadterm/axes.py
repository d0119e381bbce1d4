"""The meaning of a matrix's rows and columns.

Every matrix of the theory is V x V, so no shape check catches a wrong transpose. Instead, axis names are part of the
type: ``bigram`` is CURRENT x NEXT, and a product contracts two axes only if their names agree.
"""

from enum import Enum


class Axis(Enum):
    """What a row or a column of a matrix stands for, at a position t of a window x_1 ... x_{n+1}."""

    CURRENT = "current"
    """The token x_t at the position."""
    NEXT = "next"
    """The token y_t = x_{t+1} that follows it."""
    CONTEXT = "context"
    """A token x_j with j <= t, the current one included."""

    def __str__(self) -> str:
        return self.name
