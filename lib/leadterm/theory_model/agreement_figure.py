"""A picture of a verification: cosine and relative error against steps, for each weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadterm.atomic_files import whole
from leadterm.errors import InputError, MachineError
from leadterm.theory_model.compare_weights import NEXT_ORDER, PAPER, Row
from leadterm.theory_model.transformer import KINDS
from leadterm.theory_model.weight_agreement import LAYERS_APART

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's (2008), told apart with any kind of colour vision; markers differ as well."""

MARKERS = "osD^vPX"
TITLES = {
    "output": "output W_O",
    "value": "value V",
    "query_key": "query-key W",
    "position": "position P",
    LAYERS_APART: "value V, first less last layer",
}
PREDICTIONS = {
    PAPER: "the paper: gradient descent",
    NEXT_ORDER: "gradient descent, next order",
    "adam": "Adam, leading terms",
    f"adam, {NEXT_ORDER}": "Adam, next order",
    "adamw": "AdamW, leading terms",
    f"adamw, {NEXT_ORDER}": "AdamW, next order",
    "sign": "sign descent, leading terms",
    f"sign, {NEXT_ORDER}": "sign descent, next order",
}
"""As a legend names them."""
NUMBERS = {name: min(place, 2 + place % 2) for place, name in enumerate(PREDICTIONS.values())}
"""Its colour and marker in every panel: the third an optimizer's leading terms, the fourth its next order."""
PANEL = (4.6, 2.5)
"""Inches."""


def write_figure(rows: Sequence[Row], stem: Path) -> tuple[Path, Path]:
    """Draw a row of two panels for each weight, as ``stem.svg`` and ``stem.png``.

    A panel has a line for each layer; where there are several predictions, one for each of them, of the layer that it
    predicts worst. Equal rows give equal bytes with the same version of matplotlib.

    Returns
    -------
    svg, png : pathlib.Path
        Each written whole or not at all.

    Raises
    ------
    InputError
        If there is no row.
    MachineError
        If matplotlib is not installed, or a file cannot be written.
    """
    if not rows:
        raise InputError("there is no row to draw: compare at least at one step.")
    try:
        from matplotlib import rc_context  # noqa: PLC0415  # an extra, and slow to load
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # as above
        from matplotlib.figure import Figure  # noqa: PLC0415  # as above
    except ImportError as error:
        raise MachineError(
            f"the figure needs matplotlib, which cannot be imported ({error}). "
            "Install it: pip install 'leadterm[report]'"
        ) from error
    rows = _shown(rows)
    kinds = [kind for kind in (*KINDS, LAYERS_APART) if any(row.weight == kind for row in rows)]
    lines = by_layer if len({row.prediction for row in rows}) == 1 else by_prediction
    with rc_context({"svg.hashsalt": "leadterm"}):
        figure = Figure(figsize=(2 * PANEL[0], len(kinds) * PANEL[1]), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(kinds), 2, sharex=True, squeeze=False)
        for kind, (left, right) in zip(kinds, panels, strict=True):
            _draw(lines([row for row in rows if row.weight == kind]), left, right)
            left.set_title(TITLES[kind], loc="left")
        for panel in panels[-1]:
            panel.set_xlabel(_steps(rows))
            panel.xaxis.get_major_locator().set_params(integer=True)
        paths = stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.png")
        for path, metadata in zip(paths, ({"Date": None}, {"Software": None}), strict=True):
            with whole(path) as partial:
                figure.savefig(partial, format=path.suffix[1:], dpi=150, metadata=metadata)
    return paths


def _shown(rows: Sequence[Row]) -> Sequence[Row]:
    """Leave out gradient descent's next order beside another optimizer's terms, where its line is the paper's."""
    others = any(row.prediction not in (PAPER, NEXT_ORDER) for row in rows)
    return [row for row in rows if row.prediction != NEXT_ORDER] if others else rows


Line = tuple[list[int], list[float], list[float]]
"""Steps, cosines and relative errors."""


def by_layer(rows: Sequence[Row]) -> dict[str, Line]:
    """Return a line for each layer."""
    names = {row.layer: f"layer {row.layer}" if row.layer else "W_O" for row in rows}
    return {name: _line([row for row in rows if row.layer == layer]) for layer, name in names.items()}


def by_prediction(rows: Sequence[Row]) -> dict[str, Line]:
    """Return a line for each prediction: at each step the least cosine of all layers and the largest error."""
    found = {}
    for name in dict.fromkeys(row.prediction for row in rows):
        own = [row for row in rows if row.prediction == name]
        steps = sorted({row.step for row in own})
        at = [[row for row in own if row.step == step] for step in steps]
        cosines = [min(row.cosine for row in some) for some in at]
        found[PREDICTIONS.get(name, name)] = (steps, cosines, [max(row.relative_error for row in some) for some in at])
    return found


def _line(rows: Sequence[Row]) -> Line:
    return [row.step for row in rows], [row.cosine for row in rows], [row.relative_error for row in rows]


def _steps(rows: Sequence[Row]) -> str:
    """Say what is below the panels, with how far the steps go where the optimizer is not gradient descent."""
    last = [row for row in rows if row.step == rows[-1].step]
    extents = [row.extent for row in last if row.prediction not in (PAPER, NEXT_ORDER)]
    return f"steps (at the last one s η V = {extents[0]:.2g})" if extents else "steps of gradient descent"


def _draw(lines: Mapping[str, Line], left: Axes, right: Axes) -> None:
    """Draw one weight: cosine on the left, relative error on a logarithmic scale on the right."""
    for place, (name, (steps, cosines, errors)) in enumerate(lines.items()):
        number = NUMBERS.get(name, place)
        style: dict[str, Any] = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "label": name,
            "linewidth": 1.2,
            "fillstyle": "none",
            "markersize": 4.0 + 2.5 * (len(lines) - 1 - place),  # of equal lines, each shows around the next
        }
        left.plot(steps, cosines, **style)
        right.plot(steps, errors, **style)
    left.set_ylabel("cosine with prediction")
    right.set_ylabel("relative error")
    if any(error > 0 for _, _, errors in lines.values() for error in errors):
        right.set_yscale("log")
    left.ticklabel_format(axis="y", useOffset=False)
    if len(lines) > 1:
        left.legend(fontsize="small")
    for panel in (left, right):
        panel.grid(alpha=0.3)
