"""What a heatmap shows of a model's scores: one choice of rows and columns for the page's files and its tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.report.score_series import COMPONENTS, NUMBERS, PAPER, Model

MEASURES = {
    "raw": "raw score",
    "centred": "centred score",
    "z": "z of the centred score",
}
"""What a cell shows; the raw score has a high null, and z says how far above the null a score is."""

PAIRING = "paper"
"""A choice of predictor: the paper's for each component."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One heatmap.

    Attributes
    ----------
    title, down, across
        What it shows, and what rows and columns are.
    rows, columns
        Their labels.
    values
        float32 (rows, columns); nan where there is none.
    """

    title: str
    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float32]


def values_of(
    model: Model, component: str, predictor: str, measure: str, head: int | None = None
) -> NDArray[np.float32]:
    """Give what a measure is for one series: float32 (revisions, layers), all nan where it was not scored."""
    if predictor == PAIRING:
        predictor = PAPER[component]
    metric, number = ("centred", "z") if measure == "z" else (measure, "score")
    found = model.series.get((component, head, predictor, metric, False))
    if found is None:
        return np.full((len(model.revisions), len(model.layers)), np.nan, dtype=np.float32)
    values: NDArray[np.float32] = found[NUMBERS.index(number)]
    return values


def by_step(model: Model, predictor: str, measure: str) -> list[Panel]:
    """Give layer x step for each component that was scored against a predictor (the paper's Figures 6 and 7)."""
    layers = tuple(map(str, model.layers))
    panels = (
        Panel(component, "layer", "step", layers, model.labels, values_of(model, component, predictor, measure).T)
        for component in COMPONENTS
    )
    return [panel for panel in panels if not np.isnan(panel.values).all()]


def by_predictor(model: Model, measure: str, revision: int = -1) -> list[Panel]:
    """Give predictor x layer of one revision, for each component: which basis function explains which layer."""
    layers, names = tuple(map(str, model.layers)), model.predictors()
    panels = []
    for component in COMPONENTS:
        values = np.stack([values_of(model, component, name, measure)[revision] for name in names])
        scored = ~np.isnan(values).all(axis=1)
        kept = tuple(name for name, is_there in zip(names, scored, strict=True) if is_there)
        if kept:
            panels.append(Panel(component, "predictor", "layer", kept, layers, values[scored]))
    return panels


def by_head(model: Model, predictor: str, measure: str, revision: int = -1) -> list[Panel]:
    """Give head x layer of one revision; no panel where heads were not scored one by one."""
    heads, layers = model.heads(), tuple(map(str, model.layers))
    if not heads:
        return []
    values = np.stack([values_of(model, "qk", predictor, measure, head)[revision] for head in heads])
    panel = Panel("qk", "head", "layer", tuple(map(str, heads)), layers, values)
    return [] if np.isnan(values).all() else [panel]


def heads_by_step(model: Model, predictor: str, measure: str, layer: int) -> list[Panel]:
    """Give head x step of the layer at a place; no panel where its heads were not scored one by one."""
    heads = model.heads()
    if not heads:
        return []
    values = np.stack([values_of(model, "qk", predictor, measure, head)[:, layer] for head in heads])
    panel = Panel("qk", "head", "step", tuple(map(str, heads)), model.labels, values)
    return [] if np.isnan(values).all() else [panel]
