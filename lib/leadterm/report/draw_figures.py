"""The report's figures as SVG and PNG files, for papers; equal scores give equal bytes with the same matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from textwrap import fill
from typing import TYPE_CHECKING, Any

from leadterm.errors import MachineError
from leadterm.report.curves import Curve
from leadterm.report.figure_list import Drawing
from leadterm.report.heatmap_panels import Panel
from leadterm.report.losses import Losses
from leadterm.report.matplotlib_plots import draw_curve, draw_heatmaps, draw_losses

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES = (5.2, 2.9)
"""Of a panel."""
TITLE_WIDTH = 56
"""Characters of a title that fit above a panel."""


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
            "report.figures is 'always', but figures need matplotlib, which cannot be imported. "
            "Install it: pip install 'leadterm[report]', or set report.figures to auto or never."
        )


def draw(drawing: Drawing) -> dict[str, bytes]:
    """Draw heatmaps with one colour scale, curves or losses; the files' bytes: ``svg`` and ``png``."""
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
        _draw_panels(figure, places, drawing)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # Laid out once, for both files.
        return {"svg": _saved(figure, "svg", {"Date": None}), "png": _saved(figure, "png", {"Software": None})}


def _draw_panels(figure: Figure, places: Sequence[Axes], drawing: Drawing) -> None:
    """Draw each panel in its place."""
    heatmaps = [panel for panel in drawing.panels if isinstance(panel, Panel)]
    if heatmaps:
        draw_heatmaps(figure, places, heatmaps, drawing.measure)
    for place, panel in zip(places, drawing.panels, strict=False):
        if isinstance(panel, Curve):
            draw_curve(place, panel, drawing.measure)
        elif isinstance(panel, Losses):
            draw_losses(place, panel)


def _saved(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    """Give the bytes of a file."""
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=150, metadata=metadata)
    return file.getvalue()
