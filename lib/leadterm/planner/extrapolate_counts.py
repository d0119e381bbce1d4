"""What a corpus holds of something that was counted in a sample and its parts, and how far that may be wrong."""

from collections.abc import Sequence

import numpy as np

from leadterm.planner.distinct_pairs import QUARTERS, Census
from leadterm.planner.interval import Estimate
from leadterm.planner.pair_growth import DISTINCT, predict_growth

TRIED, TRIED_TIMES = 2, 4.0
"""Levels that a prediction is tried out on, and how many times as large as what it is made of the sample is then."""
DRAWN = 2.0
"""Standard errors, by the differences of quarters; the bounds of the curve come on top."""
EXACT = 0.01
"""By what share a prediction for the sample may be wrong without meaning anything for the corpus."""
MOST = 0.9
"""By what share a bound is lowered at most."""


def predict(
    census: Census, name: str, positions: Estimate, *, ceiling: float, scales: Sequence[str] = DISTINCT
) -> Estimate:
    """Predict what so many positions hold.

    To the bounds of the curve comes what other documents might have given, and what the curve misses. Quarters of the
    sample tell the one: their mean varies by half of their standard deviation. The other shows where the sample is
    predicted from its parts: as a straight line is laid through the exponents, what it leaves out grows as the cube of
    the logarithm.

    Parameters
    ----------
    census
        Of the sample.
    name
        Of what is predicted, as :class:`leadterm.planner.distinct_pairs.Counted` has it.
    positions
        Of the corpus, or of a part of it.
    ceiling, scales
        See :func:`leadterm.planner.pair_growth.predict_growth`.
    """
    low, value, high = (
        predict_growth(*census.curve(name), size, ceiling=ceiling, scales=scales)
        for size in (positions.low, positions.value, positions.high)
    )
    if value.is_exact:
        return Estimate(low.low, value.value, high.high)
    drawn = _drawing_error(census, name, positions.value, ceiling, scales)
    below, above = _missed(census, name, positions.value, ceiling, scales)
    least = low.low * (1 - min(MOST, drawn + below))
    return Estimate(least, value.value, min(ceiling, high.high * (1 + drawn + above)))


def _drawing_error(census: Census, name: str, size: float, ceiling: float, scales: Sequence[str]) -> float:
    """Say by what share a prediction may be wrong because other documents might have been drawn."""
    curves = census.curves_of_quarters(name)
    found = np.array([predict_growth(*curve, size, ceiling=ceiling, scales=scales).value for curve in curves])
    return float(DRAWN * found.std(ddof=1) / QUARTERS**0.5 / found.mean()) if len(found) else 0.0


def _missed(census: Census, name: str, size: float, ceiling: float, scales: Sequence[str]) -> tuple[float, float]:
    """Say by what share a prediction is too high, and too low, going by one that can be checked."""
    whole, curve = census.whole, census.curve(name, without=TRIED)
    if len(curve[0]) <= TRIED:  # No exponent is known to fall.
        return 0.0, 0.0
    wrong = predict_growth(*curve, whole.positions, ceiling=ceiling, scales=scales).value / getattr(whole, name) - 1
    times = (np.log(max(1.0, size / whole.positions)) / np.log(TRIED_TIMES)) ** 3
    return float(max(0.0, wrong - EXACT) * times), float(max(0.0, -wrong - EXACT) * times)
