"""Rows of results as a plain-text table in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadterm.atomic_files import whole
from leadterm.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NEAR_ONE = ("cosine", "weighted_cosine", "norm_ratio")
"""Columns whose numbers need digits after the point."""
ABSENT = "–"
"""For what is not there: the layer of the output, a cosine with zero."""


def markdown_table(rows: Sequence[DataclassInstance]) -> str:
    """Lay dataclass instances of one kind out as a Markdown table, a column for each field.

    Raises
    ------
    InputError
        If there is no row.

    Examples
    --------
    >>> from leadterm.theory_model.weight_agreement import Agreement
    >>> row = Agreement("output", None, 0.9999, 0.9999, norm_ratio=1.0, relative_error=2e-3, error_norm=1.5e-7)
    >>> print(markdown_table([row]))
    | weight | layer | cosine      | weighted_cosine | norm_ratio  | relative_error | error_norm |
    |--------|-------|-------------|-----------------|-------------|----------------|------------|
    | output | –     | 0.999900000 | 0.999900000     | 1.000000000 | 0.002          | 1.5e-07    |
    """
    if not rows:
        raise InputError("there is no row for the table: compare at least at one step.")
    names = [field.name for field in fields(rows[0])]
    cells = [[_cell(name, getattr(row, name)) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    lines = [names, ["-" * width for width in widths], *cells]
    written = [" | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
    written[1] = "-|-".join(lines[1])
    edges = ["|-{}-|" if number == 1 else "| {} |" for number in range(len(written))]
    return "\n".join(edge.format(line) for edge, line in zip(edges, written, strict=True))


def write_table(rows: Sequence[DataclassInstance], path: Path) -> None:
    """Write ``markdown_table`` to a file, whole or not at all.

    Raises
    ------
    InputError
        If there is no row.
    MachineError
        If it cannot be written.
    """
    text = markdown_table(rows) + "\n"
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_markdown_table(text: str) -> list[dict[str, Any]]:
    r"""Read what ``markdown_table`` wrote: a dict for each row, with None for what is not there.

    Raises
    ------
    InputError
        If a row has another number of cells than the head.

    Examples
    --------
    >>> read_markdown_table("| step | layer | proved |\n|---|---|---|\n| 4 | – | yes |")
    [{'step': 4, 'layer': None, 'proved': True}]
    """
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line.strip()]
    names = lines[0] if lines else []
    for number, cells in enumerate(lines, 1):
        if len(cells) != len(names):
            raise InputError(
                f"line {number} has {len(cells)} cells and the head has {len(names)}: make the table again."
            )
    return [dict(zip(names, map(_value, cells), strict=True)) for cells in lines[2:]]


def _value(cell: str) -> Any:
    """Read a cell."""
    if cell in (ABSENT, "yes", "no"):
        return {ABSENT: None, "yes": True, "no": False}[cell]
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _cell(name: str, value: Any) -> str:
    """Write a value: a cosine and a ratio of norms are near 1 and need digits after the point."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9f}" if name in NEAR_ONE else f"{value:.6g}"
    return str(value)
