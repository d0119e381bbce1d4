"""Scores of checkpoints as plain data for the page and the figures: an array for each thing that was scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.config.shuffled_suffix import SHUFFLED
from leadterm.report.script_bundle import packed

NUMBERS = ("score", "null_mean", "null_sd", "z")
COMPONENTS = {
    "qk": "attention: queries times keys",
    "read": "residual stream as the layer's attention reads it, after the norm",
    "mid": "residual stream after attention",
    "post": "residual stream after the layer",
    "pre": "residual stream before the layer",
}
"""What is scored, in the order of the page."""
PREDICTORS = {
    "query_key": "Q̄, the query-key term",
    "value": "V̄, the value term",
    "bigram": "B̄, tokens right after it",
    "bigram.T": "B̄ᵀ, tokens right before it",
    "context": "Φ̄, tokens that precede it in the window",
    "context.T": "Φ̄ᵀ, tokens that follow it later in the window",
    "interchange": "Σ, interchangeable tokens",
}
PAPER = {"qk": "query_key", "read": "value", "mid": "value", "post": "value", "pre": "value"}
"""The paper's pairing: attention with Q, residual streams with V."""

Kind = tuple[str, int | None, str, str, bool]
"""Component, head, predictor, metric, and whether the corpus's tokens were shuffled."""


@dataclass(frozen=True, eq=False)
class Model:
    """All scores of one model.

    Attributes
    ----------
    name
        Of the model.
    revisions
        Their names, in the order of the table.
    steps
        Of training, for each revision; None where its name tells none.
    layers
        Their numbers, ascending.
    series
        For each thing that was scored: float32 (4, revisions, layers) of ``NUMBERS``; nan where there is none.
    """

    name: str
    revisions: tuple[str, ...]
    steps: tuple[int | None, ...]
    layers: tuple[int, ...]
    series: dict[Kind, NDArray[np.float32]]

    @property
    def labels(self) -> tuple[str, ...]:
        """What to call each revision: its step if it has one; its name where stages of a training share steps."""
        told = [step for step in self.steps if step is not None]
        if len(set(told)) < len(told):
            return self.revisions
        pairs = zip(self.steps, self.revisions, strict=True)
        return tuple(revision if step is None else f"{step:,}" for step, revision in pairs)

    def heads(self, component: str = "qk") -> list[int]:
        """List the heads of a component that were scored one by one, ascending."""
        return sorted({head for kind, head, *_ in self.series if kind == component and head is not None})

    def head_layers(self) -> list[int]:
        """List the places of the layers whose heads were scored one by one, ascending."""
        of_heads = [values[0] for (_, head, *_), values in self.series.items() if head is not None]
        scored = [~np.isnan(scores).all(axis=0) for scores in of_heads]
        return [int(place) for place in np.flatnonzero(np.any(scored, axis=0))] if scored else []

    def predictors(self) -> list[str]:
        """List the predictors that anything was scored against, in the page's order."""
        found = {kind[2] for kind in self.series}
        return [name for name in PREDICTORS if name in found] + sorted(found - PREDICTORS.keys())

    def to_json(self) -> dict[str, Any]:
        """Give the model as JSON values; the numbers are packed, series after series."""
        kinds = list(self.series)
        return {
            "name": self.name,
            "revisions": list(self.revisions),
            "labels": list(self.labels),
            "steps": list(self.steps),
            "layers": list(self.layers),
            "series": [list(kind) for kind in kinds],
            "numbers": packed(np.stack([self.series[kind] for kind in kinds])),
        }


def models_of(table: pa.Table) -> list[Model]:
    """Group the alignment's rows by model.

    Parameters
    ----------
    table
        As ``run.alignment()`` gives it.

    Returns
    -------
    list of Model
        In the order of the table; layers ascending.
    """
    names = table["model"].unique().to_pylist()
    return [_model(name, table.filter(pc.equal(table["model"], name))) for name in names]


def _model(name: str, table: pa.Table) -> Model:
    """Lay the rows of one model out."""
    columns = {column: table[column].to_pylist() for column in table.column_names}
    revisions = tuple(dict.fromkeys(zip(columns["revision"], columns["step"], strict=True)))
    layers = tuple(sorted(set(columns["layer"])))
    row_of = {revision: number for number, (revision, _) in enumerate(revisions)}
    column_of = {layer: number for number, layer in enumerate(layers)}
    numbers = np.array([columns[one] for one in NUMBERS], dtype=np.float32)
    series: dict[Kind, NDArray[np.float32]] = {}
    for number, kind in enumerate(_kinds(columns)):
        if kind not in series:
            series[kind] = np.full((len(NUMBERS), len(revisions), len(layers)), np.nan, dtype=np.float32)
        place = row_of[columns["revision"][number]], column_of[columns["layer"][number]]
        series[kind][:, *place] = numbers[:, number]
    steps = tuple(step for _, step in revisions)
    return Model(
        name, tuple(revision for revision, _ in revisions), steps, layers, dict(sorted(series.items(), key=_order))
    )


def _kinds(columns: dict[str, list[Any]]) -> Iterator[Kind]:
    """Say of each row what was scored."""
    shuffled = (corpus.endswith(SHUFFLED) for corpus in columns["corpus"])
    names = ("component", "head", "predictor", "metric")
    yield from zip(*(columns[name] for name in names), shuffled, strict=True)


def _order(item: tuple[Kind, Any]) -> tuple[Any, ...]:
    (component, head, predictor, metric, shuffled), _ = item
    ranks = [list(COMPONENTS).index(component) if component in COMPONENTS else len(COMPONENTS)]
    ranks += [-1 if head is None else head]
    ranks += [list(PREDICTORS).index(predictor) if predictor in PREDICTORS else len(PREDICTORS)]
    return (*ranks, component, predictor, metric, shuffled)
