"""What the page's figures and those in files have in common: scales, ticks, the band of the null, names of lines.

The page's scripts get all of it as data, so that neither says it again.
"""

from typing import Any

ASINH_WIDTH = 2.0
"""z below it is shown on a linear scale, above it on a logarithmic one."""
LEAST = {"raw": 1.0, "centred": 0.01, "z": 5.0}
"""The least that the end of a scale stands for: noise alone shall not be bright."""
BAND = 2.0
"""Standard deviations on either side of the null's mean."""
Z_POWERS = tuple(10.0**power for power in range(1, 7))
"""Where an axis of z has ticks, besides 0 and the ends of the band."""
NAMES = {
    "band": f"null, ±{BAND:g} sd",
    "shuffled": "corpus shuffled",
    "mean": "mean of the steps",
    "range": "from lowest to highest",
    "frequencies": "by frequencies alone",
}
"""Lines and bands in keys."""


def scales() -> dict[str, Any]:
    """Give all as JSON values, by the names that the page's scripts know."""
    return {"asinh": ASINH_WIDTH, "least": LEAST, "band": BAND, "powers": Z_POWERS, "names": NAMES}
