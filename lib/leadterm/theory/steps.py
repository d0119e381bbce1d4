"""How the predicted weights grow with the number of gradient steps, and bounds on their error."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class PerWeight:
    """One number for each weight of the model; the weights of a layer are the same in every layer.

    Attributes
    ----------
    output, value, query_key, position : float
        For W_O, V, W and P.
    """

    output: float
    value: float
    query_key: float
    position: float


def leading_coefficients(steps: int, learning_rate: float) -> PerWeight:
    """Return the factor of each composition in the predicted weights after s steps (Theorem 4.1).

    W_O = s eta B, V = C(s,2) eta^2 V, W = c eta^4 Q and P = c eta^4 Delta with c = 3 C(s,4) + 2 C(s,3).

    Examples
    --------
    >>> leading_coefficients(4, 0.5)
    PerWeight(output=2.0, value=1.5, query_key=0.6875, position=0.6875)
    """
    attention = (3 * comb(steps, 4) + 2 * comb(steps, 3)) * learning_rate**4
    return PerWeight(steps * learning_rate, comb(steps, 2) * learning_rate**2, attention, attention)


def error_bounds(steps: int, learning_rate: float, context_length: int) -> PerWeight:
    """Return the bound on the Frobenius norm of weight minus prediction (Theorems 4.1, D.10 and D.13).

    3 s^2 eta^2, 12 s^3 eta^3, and 13 s^5 eta^5 T for the two attention weights. They are proved only if the
    conditions of the theorem hold; see ``zero_initialisation_conditions`` and ``gaussian_conditions``.

    Examples
    --------
    >>> error_bounds(10, 0.1, 64)
    PerWeight(output=3.0, value=12.0, query_key=832.0, position=832.0)
    """
    time = steps * learning_rate
    attention = 13 * time**5 * context_length
    return PerWeight(3 * time**2, 12 * time**3, attention, attention)
