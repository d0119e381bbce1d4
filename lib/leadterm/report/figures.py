"""The report's figures as SVG and PNG files, for papers; equal scores give equal bytes with the same matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from leadterm.errors import MachineError
from leadterm.report import palettes
from leadterm.report.alignment import COMPONENTS
from leadterm.report.curves import BAND, Curve
from leadterm.report.drawings import Drawing
from leadterm.report.selections import MEASURES, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

ASINH_WIDTH = 2.0
"""z below it is shown on a linear scale, above it on a logarithmic one."""
LEAST = {"raw": 1.0, "centred": 0.01, "z": 5.0}
"""The least that the end of a colour scale stands for: noise alone shall not be bright."""
INCHES = (5.2, 2.9)
"""Of a panel."""
TITLE_WIDTH = 56
"""Characters of a title that fit above a panel."""
BAND_COLOUR = "#d6d8dc"
"""Of what chance gives."""
MOST_LABELS = 16
"""Labels along an axis."""


def can_draw() -> bool:
    """Say whether matplotlib can be imported."""
    return find_spec("matplotlib") is not None


def require_matplotlib() -> None:
    """Refuse to draw without matplotlib.

    Raises
    ------
    MachineError
        If it cannot be imported.
    """
    if not can_draw():
        raise MachineError(
            "report.figures is 'always', and figures need matplotlib, which cannot be imported here. "
            "Install it: pip install leadterm[notebooks], or set report.figures to auto or never."
        )


def draw(drawing: Drawing) -> dict[str, bytes]:
    """Draw heatmaps with one colour scale, or curves; the files' bytes: ``svg`` and ``png``."""
    from matplotlib import rc_context  # noqa: PLC0415  # an extra, and slow to load
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # as above
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    with rc_context({"svg.hashsalt": "leadterm", "svg.fonttype": "path", "font.size": 9, "text.parse_math": False}):
        wide = min(2, len(drawing.panels))
        high = -(-len(drawing.panels) // wide)
        figure = Figure(figsize=(INCHES[0] * wide, INCHES[1] * high + 0.4), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(fill(drawing.title, TITLE_WIDTH * wide, break_on_hyphens=False), fontsize=11)
        places = figure.subplots(high, wide, squeeze=False).ravel().tolist()
        for place in places[len(drawing.panels) :]:
            place.set_visible(False)
        heatmaps = [panel for panel in drawing.panels if isinstance(panel, Panel)]
        if heatmaps:
            _heatmaps(figure, places, heatmaps, drawing.measure)
        for place, panel in zip(places, drawing.panels, strict=False):
            if isinstance(panel, Curve):
                _curve(place, panel, drawing.measure)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # Laid out once, for both files.
        return {"svg": _saved(figure, "svg", {"Date": None}), "png": _saved(figure, "png", {"Software": None})}


def _heatmaps(figure: Figure, places: Sequence[Axes], panels: Sequence[Panel], measure: str) -> None:
    """Draw heatmaps, and a bar for their common colours."""
    style = _colours(panels, measure)
    for place, panel in zip(places, panels, strict=False):
        mesh = _heatmap(place, panel, style)
    bar = figure.colorbar(mesh, ax=places, label=MEASURES[measure], shrink=0.8)
    if measure == "z":
        limit = limit_of(panels, measure)
        _label_z(bar.long_axis, {-limit, 0.0, limit}, -limit / 2, limit / 2)


def _curve(place: Axes, curve: Curve, measure: str) -> None:
    """Draw one curve, the band of chance, and the score against the shuffled corpus where there is one."""
    across = np.arange(len(curve.places))
    place.fill_between(
        across, curve.low, curve.high, color="#8a8f98", alpha=0.35, linewidth=0, label="by chance, ±2 sd"
    )
    place.plot(across, curve.values, color=palettes.LINES[0], marker="o", markersize=3, label=MEASURES[measure])
    if not np.isnan(curve.shuffled).all():
        place.plot(across, curve.shuffled, color=palettes.LINES[1], linestyle="--", label="corpus shuffled")
    if measure == "z":
        place.set_yscale("asinh", linear_width=ASINH_WIDTH)
        shown = [curve.values, curve.shuffled, curve.low, curve.high]
        _label_z(place.yaxis, {-BAND, 0.0, BAND}, float(np.nanmin(shown)), float(np.nanmax(shown)))
    else:
        place.set_ylim(bottom=0)
    every = -(-len(curve.places) // MOST_LABELS)
    place.set_xticks(across[::every], curve.places[::every])
    place.set_title(curve.title, loc="left", fontsize=9)
    place.set_xlabel(curve.across)
    place.grid(alpha=0.3)
    place.legend(fontsize="small")


def _saved(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    """Give the bytes of a file."""
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=150, metadata=metadata)
    return file.getvalue()


def limit_of(panels: Sequence[Panel], measure: str) -> float:
    """Give what the end of the colour scale stands for."""
    largest = np.nanmax(np.abs(np.concatenate([panel.values.ravel() for panel in panels])))
    return max(LEAST[measure], float(largest))


def _label_z(axis: Axis, ticks: set[float], low: float, high: float) -> None:
    """Label an axis of z with plain numbers: some ticks, and the powers of ten between two numbers."""
    powers = {sign * 10.0**power for sign in (-1, 1) for power in range(1, 7)}
    all_ticks = sorted(ticks | {tick for tick in powers if low < tick < high})
    axis.set_ticks(all_ticks, labels=[f"{tick:+,.0f}".replace("-", "−") if tick else "0" for tick in all_ticks])
    axis.set_ticks([], minor=True)


def _colours(panels: Sequence[Panel], measure: str) -> dict[str, Any]:
    """Choose the colour map: around 0 for z, from 0 on for scores."""
    from matplotlib.colors import AsinhNorm, LinearSegmentedColormap, Normalize  # noqa: PLC0415  # an extra

    limit = limit_of(panels, measure)
    scale: Normalize = Normalize(0.0, limit)
    stops: tuple[str, ...] = palettes.VIRIDIS
    if measure == "z":
        stops, scale = palettes.DIVERGING["light"], AsinhNorm(ASINH_WIDTH, -limit, limit)
    return {"cmap": LinearSegmentedColormap.from_list("report", stops), "norm": scale}


def _heatmap(place: Axes, panel: Panel, style: dict[str, Any]) -> Any:
    """Draw one panel; what was not scored stays grey."""
    place.set_facecolor("#d9d9d9")
    mesh = place.pcolormesh(np.ma.masked_invalid(panel.values), **style)
    place.invert_yaxis()
    for axis, labels in ((place.xaxis, panel.columns), (place.yaxis, panel.rows)):
        every = -(-len(labels) // MOST_LABELS)
        axis.set_ticks(np.arange(0, len(labels), every) + 0.5, labels[::every])
        axis.set_tick_params(length=0)
    if max(map(len, panel.columns)) > 3 and len(panel.columns) > 8:
        place.tick_params(axis="x", rotation=60)
    place.set_title(f"{panel.title}: {COMPONENTS.get(panel.title, '')}", loc="left", fontsize=9)
    place.set_xlabel(panel.across)
    place.set_ylabel(panel.down)
    return mesh
