"""A picture of a verification: cosine and relative error against steps, for each weight."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadterm.atomic_files import whole
from leadterm.errors import InputError, MachineError
from leadterm.theory_model.compare_weights import Row
from leadterm.theory_model.transformer import KINDS

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
}
PANEL = (4.6, 2.5)
"""Inches."""


def write_figure(rows: Sequence[Row], stem: Path) -> tuple[Path, Path]:
    """Draw a row of two panels for each weight, a line for each layer, as ``stem.svg`` and ``stem.png``.

    Equal rows give equal bytes with the same version of matplotlib.

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
    kinds = [kind for kind in KINDS if any(row.weight == kind for row in rows)]
    with rc_context({"svg.hashsalt": "leadterm"}):
        figure = Figure(figsize=(2 * PANEL[0], len(kinds) * PANEL[1]), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(kinds), 2, sharex=True, squeeze=False)
        for kind, (left, right) in zip(kinds, panels, strict=True):
            _draw([row for row in rows if row.weight == kind], left, right)
            left.set_title(TITLES[kind], loc="left")
        for panel in panels[-1]:
            panel.set_xlabel("steps of gradient descent")
            panel.xaxis.get_major_locator().set_params(integer=True)
        paths = stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.png")
        for path, metadata in zip(paths, ({"Date": None}, {"Software": None}), strict=True):
            with whole(path) as partial:
                figure.savefig(partial, format=path.suffix[1:], dpi=150, metadata=metadata)
    return paths


def _draw(rows: Sequence[Row], left: Axes, right: Axes) -> None:
    """Draw one weight: cosine on the left, relative error on a logarithmic scale on the right."""
    layers = sorted({row.layer or 0 for row in rows})
    for number, layer in enumerate(layers):
        chosen = [row for row in rows if (row.layer or 0) == layer]
        steps = [row.step for row in chosen]
        style: dict[str, Any] = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "label": f"layer {layer}" if layer else "W_O",
            "linewidth": 1.2,
            "fillstyle": "none",
            "markersize": 4.0 + 2.5 * (len(layers) - 1 - number),  # of equal lines, each shows around the next
        }
        left.plot(steps, [row.cosine for row in chosen], **style)
        right.plot(steps, [row.relative_error for row in chosen], **style)
    left.set_ylabel("cosine with prediction")
    right.set_ylabel("relative error")
    if any(row.relative_error > 0 for row in rows):
        right.set_yscale("log")
    left.ticklabel_format(axis="y", useOffset=False)
    if len(layers) > 1:
        left.legend(fontsize="small")
    for panel in (left, right):
        panel.grid(alpha=0.3)
