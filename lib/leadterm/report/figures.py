"""The report's figures as SVG and PNG files, for papers; equal scores give equal bytes with the same matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from leadterm.errors import MachineError
from leadterm.report import palettes
from leadterm.report.alignment import COMPONENTS
from leadterm.report.selections import MEASURES, Drawing, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ASINH_WIDTH = 2.0
"""z below it is shown on a linear scale, above it on a logarithmic one."""
LEAST = {"raw": 1.0, "centred": 0.01, "z": 5.0}
"""The least that the end of a colour scale stands for: noise alone shall not be bright."""
INCHES = (5.2, 2.9)
"""Of a panel."""
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
    """Draw heatmaps with one colour scale; the files' bytes: ``svg`` and ``png``."""
    from matplotlib import rc_context  # noqa: PLC0415  # an extra, and slow to load
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # as above
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    panels, measure = drawing.panels, drawing.measure
    with rc_context({"svg.hashsalt": "leadterm", "svg.fonttype": "path", "font.size": 9, "text.parse_math": False}):
        wide = min(2, len(panels))
        high = -(-len(panels) // wide)
        figure = Figure(figsize=(INCHES[0] * wide, INCHES[1] * high + 0.4), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(drawing.title, fontsize=11)
        places = figure.subplots(high, wide, squeeze=False).ravel().tolist()
        style = _colours(panels, measure)
        for place, panel in zip(places, panels, strict=False):
            mesh = _heatmap(place, panel, style)
        for place in places[len(panels) :]:
            place.set_visible(False)
        bar = figure.colorbar(mesh, ax=places, label=MEASURES[measure], shrink=0.8)
        if measure == "z":
            ticks = _ticks_of_z(limit_of(panels, measure))
            bar.set_ticks(ticks, labels=[f"{tick:+,.0f}" if tick else "0" for tick in ticks])
            bar.minorticks_off()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # Laid out once, for both files.
        return {"svg": _saved(figure, "svg", {"Date": None}), "png": _saved(figure, "png", {"Software": None})}


def _saved(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    """Give the bytes of a file."""
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=150, metadata=metadata)
    return file.getvalue()


def limit_of(panels: Sequence[Panel], measure: str) -> float:
    """Give what the end of the colour scale stands for."""
    largest = np.nanmax(np.abs(np.concatenate([panel.values.ravel() for panel in panels])))
    return max(LEAST[measure], float(largest))


def _ticks_of_z(limit: float) -> list[float]:
    """Give 0, powers of ten and the ends, none of which crowd the next."""
    powers = [10.0**power for power in range(1, 7) if 10.0**power < limit / 2]
    return [-limit, *(-power for power in reversed(powers)), 0.0, *powers, limit]


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
