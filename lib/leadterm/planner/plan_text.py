"""Lays a plan out: as a table for a terminal, and as plain values for machines."""

from collections.abc import Mapping, Sequence
from typing import Any

from leadterm.planner.interval import Estimate
from leadterm.planner.planned_stage import PlannedStage
from leadterm.planner.refusals import Hazard

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
SECONDS = "seconds"
Measured = Mapping[tuple[str, str], float]
"""What a finished run has, by stage and quantity."""
HEADS = ("stage", "quantity", "expected", "at least", "at most")
SAVING = 1.5
"""Times 1,000: numbers from there on are written in the next unit."""


def rows_of(stages: Sequence[PlannedStage]) -> list[tuple[str, str, Estimate]]:
    """List all quantities, and the seconds of each stage."""
    return [
        (stage.name, name, size)
        for stage in stages
        for name, size in (*stage.quantities.items(), *([(SECONDS, stage.seconds)] if stage.seconds else []))
    ]


def as_text(stages: Sequence[PlannedStage], measured: Measured, notes: Sequence[str], hazards: Sequence[Hazard]) -> str:
    """Lay a plan out as a table, what it says and does not say, and what would go wrong."""
    heads = (*HEADS, *(("measured", "error") if measured else ()))
    lines, before = [list(heads)], ""
    for stage, name, size in rows_of(stages):
        show = _bytes if name.endswith(("bytes", "memory")) else _time if name == SECONDS else _number
        bounds = ["", ""] if size.is_exact else [show(size.low), show(size.high)]
        cells = [stage if stage != before else "", name.removesuffix(" bytes"), show(size.value), *bounds]
        if measured:
            found = measured.get((stage, name))
            cells += ["", ""] if found is None else [show(found), f"{size.value / found - 1:+.1%}" if found else ""]
        before = stage
        lines.append(cells)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = ["  ".join(_padded(line, widths)).rstrip() for line in lines]
    warned = [f"{'REFUSED' if one.certain else 'warning'}  {one.stage}: {one.message}" for one in hazards]
    return "\n".join([*table, "", *notes, *(["", *warned] if warned else [])])


def as_values(
    stages: Sequence[PlannedStage], measured: Measured, notes: Sequence[str], hazards: Sequence[Hazard]
) -> dict[str, Any]:
    """Lay a plan out as plain values; bytes are bytes, times are seconds."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for stage, name, size in rows_of(stages):
        cell = {"low": size.low, "expected": size.value, "high": size.high}
        if (stage, name) in measured:
            cell["measured"] = measured[stage, name]
        found.setdefault(stage, {})[name] = cell
    problems = [{"stage": one.stage, "certain": one.certain, "message": one.message} for one in hazards]
    return {"stages": found, "notes": list(notes), "problems": problems}


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Put words to the left and numbers to the right."""
    words = [f"{cell:<{width}}" for cell, width in zip(line[:2], widths[:2], strict=True)]
    return [*words, *(f"{cell:>{width}}" for cell, width in zip(line[2:], widths[2:], strict=True))]


def _number(value: float) -> str:
    """Write a count: in full up to ten million, then with three digits."""
    if value < 1e7:
        return f"{value:,.0f}"
    scale, letter = next((s, c) for s, c in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")) if value >= s)
    return f"{value / scale:,.1f} {letter}"


def _bytes(value: float) -> str:
    """Write bytes in the unit that gives one to three digits."""
    for unit in UNITS[:-1]:
        if value < SAVING * 1000:
            return f"{value:,.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.0f} {UNITS[-1]}"


def _time(value: float) -> str:
    """Write seconds, or hours and minutes."""
    if value < 100:
        return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d}"
