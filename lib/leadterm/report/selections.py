"""What a figure shows of a model's scores: one choice of rows and columns for the page's files and its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.report.alignment import COMPONENTS, NUMBERS, PAPER, PREDICTORS, Model
from leadterm.report.curves import Curve, curves

MEASURES = {
    "raw": "raw score",
    "centred": "centred score",
    "z": "z of the centred score",
}
"""What a cell shows; the raw score has a high null, z says what is beyond chance."""

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


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure for a file.

    Attributes
    ----------
    stem
        Of the file's name.
    model
        The model's place among all.
    choice
        Which figure of the page it is: ``steps-bigram``, ``layers``, ``heads``.
    measure
        A key of ``MEASURES``.
    title
        Above the panels.
    panels
        Heatmaps or curves, at least one.
    """

    stem: str
    model: int
    choice: str
    measure: str
    title: str
    panels: list[Panel] | list[Curve]


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


def drawings(models: Sequence[Model]) -> list[Drawing]:
    """List the figures of all models that show anything."""
    return [
        Drawing(
            f"{number + 1}-{_slug(model.name)}-{_slug(choice)}-{measure}",
            number,
            choice,
            measure,
            _title(model, choice),
            panels,
        )
        for number, model in enumerate(models)
        for measure in MEASURES
        for choice, panels in _choices(model, measure)
        if panels
    ]


def _choices(model: Model, measure: str) -> Iterator[tuple[str, list[Panel] | list[Curve]]]:
    """Give the figures of a model by a measure."""
    if len(model.revisions) > 1:
        others = [name for name in model.predictors() if name not in PAPER.values()]
        for predictor in (PAIRING, *others):
            yield f"steps-{predictor}", by_step(model, predictor, measure)
    yield "layers", by_predictor(model, measure)
    yield "heads", by_head(model, PAIRING, measure)
    yield "curves", curves(model, measure)


def _slug(name: str) -> str:
    """Give what of a name goes into one of a file."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name.rpartition("/")[2])[:40].strip("-.") or "model"


def _title(model: Model, choice: str) -> str:
    """Write the title of a figure."""
    kind, _, predictor = choice.partition("-")
    against = "the paper's predictors" if predictor in (PAIRING, "") else PREDICTORS.get(predictor, predictor)
    when = "" if kind in ("steps", "curves") or len(model.revisions) == 1 else f", {model.revisions[-1]}"
    what = "which basis function explains which layer" if kind == "layers" else f"agreement with {against}"
    what += " beside chance" if kind == "curves" else ""
    return f"{model.name}{when}: {what}"
