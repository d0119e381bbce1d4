"""Which figures of the page are drawn as files, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leadterm.report.curves import Curve, curves
from leadterm.report.heatmap_panels import MEASURES, PAIRING, Panel, by_head, by_predictor, by_step, heads_by_step
from leadterm.report.losses import Losses
from leadterm.report.score_series import PAPER, PREDICTORS, Model

DEFAULT_MEASURE = "centred"
"""Which the page shows first."""
MOST_LAYERS = 40
"""Of which the steps of heads are drawn; as many files of each kind, and a second each."""
LOSSES = "losses"
"""The choice of the figure of a training's losses."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure for a file.

    Attributes
    ----------
    stem
        Of the file's name.
    model
        The place among all of the model whose scores it shows; None for the losses of a training.
    choice
        Which figure of the page: ``steps-bigram``, ``head-steps-11``, ``layers``, ``heads``, ``curves`` or ``losses``.
    measure
        A key of ``MEASURES``; empty for losses.
    title
        Above the panels.
    panels
        Heatmaps, curves or losses, at least one.
    """

    stem: str
    model: int | None
    choice: str
    measure: str
    title: str
    panels: list[Panel] | list[Curve] | list[Losses]


Choice = tuple[str, str, list[Panel] | list[Curve]]
"""Which figure of the page it is, what it shows, and its panels."""


def drawings(models: Sequence[Model], losses: Losses | None = None) -> list[Drawing]:
    """List the figures that show anything: each of the page as it is shown first, and some more.

    All measures of a figure are drawn, and layer x step against every predictor. To draw every choice that the page
    offers would take thousands of files, so the other figures are drawn against the paper's predictor only; those of
    one revision for the last, and those of one layer for the one in the middle. Head x step is drawn for the other
    layers too, in the measure that is shown first: these are at most 40 files, evenly spread over the layers, beside
    the 30 or so of a sweep against every predictor. Where there is no file the page says so.
    """
    trained = [Drawing("training-loss", None, LOSSES, "", "Training loss", [losses])] if losses else []
    return trained + [
        Drawing(
            f"{number + 1}-{_slug(model.name)}-{_slug(choice)}-{measure}",
            number,
            choice,
            measure,
            f"{model.name}{what}",
            panels,
        )
        for number, model in enumerate(models)
        for measure in MEASURES
        for choice, what, panels in _choices(model, measure)
        if panels
    ]


def _choices(model: Model, measure: str) -> Iterator[Choice]:
    """Give the figures of a model by a measure."""
    when = f", {model.revisions[-1]}" if len(model.revisions) > 1 else ""
    paper, heads = "agreement with the paper's predictors", f"agreement with {PREDICTORS[PAPER['qk']]}"
    if len(model.revisions) > 1:
        yield f"steps-{PAIRING}", f": {paper}", by_step(model, PAIRING, measure)
        for name in model.predictors():
            if name not in PAPER.values():
                against = f": agreement with {PREDICTORS.get(name, name)}"
                yield f"steps-{name}", against, by_step(model, name, measure)
        for place in _drawn_layers(model, measure):
            layer = model.layers[place]
            panels = heads_by_step(model, PAIRING, measure, place)
            yield f"head-steps-{layer}", f", heads of layer {layer}: {heads}", panels
    yield "layers", f"{when}: which basis function explains which layer", by_predictor(model, measure)
    yield "heads", f"{when}, heads: {heads}", by_head(model, PAIRING, measure)
    yield "curves", f": {paper} beside the null", curves(model, measure)


def _drawn_layers(model: Model, measure: str) -> list[int]:
    """Choose the places of layers whose heads are drawn step by step: the one in the middle, and others by it."""
    places = model.head_layers()
    middle, every = len(places) // 2, -(-len(places) // MOST_LAYERS)
    if measure != DEFAULT_MEASURE:
        return places[middle : middle + 1]
    return places[middle % every :: every] if places else []


def _slug(name: str) -> str:
    """Give what of a name goes into one of a file."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name.rpartition("/")[2])[:40].strip("-.") or "model"
