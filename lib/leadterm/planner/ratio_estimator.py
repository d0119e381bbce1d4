"""Estimates a sum over a population from some of its parts: their ratio to weights whose sum is known."""

from typing import Any

import numpy as np
from scipy.stats import t as student

from leadterm.planner.interval import Estimate

SIGMAS = 3.0
"""Standard errors that a bound keeps from what is expected where they are known well: 99.7 %."""
ABOVE = 0.99865
"""What lies below so many of them: of few parts, whose differences tell the error less well, it takes more."""


UNSEEN = 3.0
"""Of n parts, what is rarer than 3 / n is missed more often than in one case of twenty."""


def ratio_estimate(parts: Any, weights: Any, weight: float, times: Any = 1.0) -> Estimate:
    """Estimate a sum over a population.

    Parameters
    ----------
    parts, weights
        Of each part: what is summed, and its weight.
    weight
        Of the population.
    times
        How many times as much a part stands for, where only its beginning was seen.

    Examples
    --------
    >>> ratio_estimate(np.array([2.0, 4.0]), np.array([1.0, 2.0]), 30.0).value
    60.0
    """
    found, seen = float(parts.sum()), float(weights.sum())
    scaled, scale = parts * times, weights * times
    ratio = float(scaled.sum() / scale.sum()) if seen else 0.0
    expected, left = ratio * weight, max(0.0, 1 - seen / weight)
    if left < 1e-9:
        return Estimate.exact(expected)
    n = len(parts)
    if n < 2 or not found:
        return Estimate(found, expected, max(2 * expected, found))
    error = np.sqrt(n / (n - 1) * ((scaled - ratio * scale) ** 2).sum() * left) / scaled.sum()
    share = float(student.ppf(ABOVE, n - 1) * error) + UNSEEN / n * left * _spread(parts, weights) / ratio
    bounds = Estimate.within(expected, share)
    return bounds.between(found, np.inf)


def _spread(parts: Any, weights: Any) -> float:
    """Say how far the ratios of parts lie apart, but for a twentieth at either end."""
    ratios = parts[weights > 0] / weights[weights > 0]
    low, high = np.quantile(ratios, [0.05, 0.95])
    return float(high - low)


def share_estimate(part: int, whole: int, seen: float) -> Estimate:
    """Estimate a share from some draws, by the interval of Wilson (1927); exact where all were seen.

    Examples
    --------
    >>> share_estimate(100, 100, 0.5).high
    1.0
    >>> round(share_estimate(100, 100, 0.5).low, 3)
    0.957
    """
    if not whole:
        return Estimate(0.0, 1.0, 1.0)
    share, left = part / whole, max(0.0, 1 - seen)
    if left < 1e-9:
        return Estimate.exact(share)
    z = SIGMAS**2 * left / whole
    middle, reach = share + z / 2, np.sqrt(z * share * (1 - share) + z**2 / 4)
    low, high = ((middle + sign * reach) / (1 + z) for sign in (-1, 1))
    return Estimate(min(share, max(0.0, float(low))), share, max(share, min(1.0, float(high))))
