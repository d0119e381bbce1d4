"""Scores beside their null, over steps or over layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.report.figure_scales import BAND
from leadterm.report.score_series import COMPONENTS, NUMBERS, PAPER, Model


@dataclass(frozen=True, eq=False)
class Curve:
    """A score over steps or layers, with both nulls.

    Attributes
    ----------
    title, across
        What was scored, and over what.
    places
        Labels along the axis.
    values
        float32 (places,); nan where there is none.
    low, high
        float32 (places,): the band of the null, two standard deviations around its mean over permutations.
    shuffled
        float32 (places,): against the corpus with its tokens shuffled; all nan where that was not scored.
    """

    title: str
    across: str
    places: tuple[str, ...]
    values: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    shuffled: NDArray[np.float32]


def curves(model: Model, measure: str, layer: int | None = None) -> list[Curve]:
    """Give the curve of each component against the paper's predictor.

    Parameters
    ----------
    model
        With its scores.
    measure
        ``raw``, ``centred`` or ``z``, whose band is -2 to 2.
    layer
        The place of the layer whose curve over steps is shown, by default the one in the middle; where the model has a
        single revision the curve goes over layers.
    """
    is_sweep = len(model.revisions) > 1
    chosen = len(model.layers) // 2 if layer is None else layer
    places = model.labels if is_sweep else tuple(map(str, model.layers))
    cut = (slice(None), chosen) if is_sweep else (0, slice(None))
    found = []
    for component, predictor in PAPER.items():
        numbers = _numbers(model, component, predictor, measure, shuffled=False)[:, *cut]
        other = _numbers(model, component, predictor, measure, shuffled=True)[:, *cut]
        values, low, high = _banded(numbers, measure)
        title = f"{component}: {COMPONENTS[component]}" + (f", layer {model.layers[chosen]}" if is_sweep else "")
        curve = Curve(title, "step" if is_sweep else "layer", places, values, low, high, _banded(other, measure)[0])
        if not np.isnan(values).all():
            found.append(curve)
    return found


def _numbers(model: Model, component: str, predictor: str, measure: str, *, shuffled: bool) -> NDArray[np.float32]:
    """Return all numbers of a series (4, revisions, layers)."""
    metric = "centred" if measure == "z" else measure
    empty = np.full((len(NUMBERS), len(model.revisions), len(model.layers)), np.nan, dtype=np.float32)
    return model.series.get((component, None, predictor, metric, shuffled), empty)


def _banded(
    numbers: NDArray[np.float32], measure: str
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return values and the ends of the null's band, from score, mean, deviation and z (4, places)."""
    score, mean, deviation, z = numbers
    if measure == "z":
        ends = np.full_like(z, BAND)
        return z, -ends, ends
    return score, mean - np.float32(BAND) * deviation, mean + np.float32(BAND) * deviation
