"""One panel of a figure: a heatmap, or a curve beside its null, or the loss of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leadterm.report import palettes
from leadterm.report.curves import Curve
from leadterm.report.figure_scales import ASINH_WIDTH, BAND, LEAST, NAMES, Z_POWERS
from leadterm.report.heatmap_panels import MEASURES, Panel
from leadterm.report.losses import Losses
from leadterm.report.score_series import COMPONENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BAND_STYLE: dict[str, Any] = {"color": "#8a8f98", "alpha": 0.35, "linewidth": 0}
"""Of the null's band, and of a range."""
MOST_LABELS = 16
"""Labels along an axis."""


def draw_heatmaps(figure: Figure, places: Sequence[Axes], panels: Sequence[Panel], measure: str) -> None:
    """Draw heatmaps, and a bar for their common colours."""
    style = _colours(panels, measure)
    for place, panel in zip(places, panels, strict=False):
        mesh = _heatmap(place, panel, style)
    bar = figure.colorbar(mesh, ax=places, label=MEASURES[measure], shrink=0.8)
    if measure == "z":
        limit = _limit_of(panels, measure)
        _label_z(bar.long_axis, {-limit, 0.0, limit}, -limit / 2, limit / 2)


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


def _colours(panels: Sequence[Panel], measure: str) -> dict[str, Any]:
    """Choose the colour map: around 0 for z, from 0 on for scores."""
    from matplotlib.colors import AsinhNorm, LinearSegmentedColormap, Normalize  # noqa: PLC0415  # an extra

    limit = _limit_of(panels, measure)
    scale: Normalize = Normalize(0.0, limit)
    stops: tuple[str, ...] = palettes.VIRIDIS
    if measure == "z":
        stops, scale = palettes.DIVERGING["light"], AsinhNorm(ASINH_WIDTH, -limit, limit)
    return {"cmap": LinearSegmentedColormap.from_list("report", stops), "norm": scale}


def _limit_of(panels: Sequence[Panel], measure: str) -> float:
    """Give what the end of the colour scale stands for."""
    largest = np.nanmax(np.abs(np.concatenate([panel.values.ravel() for panel in panels])))
    return max(LEAST[measure], float(largest))


def draw_curve(place: Axes, curve: Curve, measure: str) -> None:
    """Draw one curve, the band of the null, and the score against the shuffled corpus where there is one."""
    across = np.arange(len(curve.places))
    place.fill_between(across, curve.low, curve.high, **BAND_STYLE, label=NAMES["band"])
    place.plot(across, curve.values, color=palettes.LINES[0], marker="o", markersize=3, label=MEASURES[measure])
    if not np.isnan(curve.shuffled).all():
        place.plot(across, curve.shuffled, color=palettes.LINES[1], linestyle="--", label=NAMES["shuffled"])
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


def draw_losses(place: Axes, losses: Losses) -> None:
    """Draw the loss over steps on a logarithmic scale, and that of a model which knows frequencies alone."""
    middle = np.sqrt(losses.first * losses.last)
    place.fill_between(middle, losses.low, losses.high, **BAND_STYLE, label=NAMES["range"])
    place.plot(middle, losses.mean, color=palettes.LINES[0], label=NAMES["mean"])
    place.axhline(losses.unigram_entropy, color=palettes.LINES[1], linestyle="--", label=NAMES["frequencies"])
    place.set_xscale("log", base=2)
    steps = [2**power for power in range(int(losses.last[-1]).bit_length())]
    every = -(-len(steps) // MOST_LABELS)
    place.set_xticks(steps[::every], [f"{step:,}" for step in steps[::every]])
    place.set_xticks([], minor=True)
    place.set_xlabel("step")
    place.set_ylabel("loss, nats per position")
    place.grid(alpha=0.3)
    place.legend(fontsize="small")


def _label_z(axis: Axis, ticks: set[float], low: float, high: float) -> None:
    """Label an axis of z with plain numbers: some ticks, and the powers of ten between two numbers."""
    powers = {sign * power for sign in (-1, 1) for power in Z_POWERS}
    all_ticks = sorted(ticks | {tick for tick in powers if low < tick < high})
    axis.set_ticks(all_ticks, labels=[f"{tick:+,.0f}".replace("-", "−") if tick else "0" for tick in all_ticks])
    axis.set_ticks([], minor=True)
