"""The contents of a run, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from leadterm.catalog.products import Product
from leadterm.config.shuffled_suffix import SHUFFLED
from leadterm.run.open_run import Run, open_run

if TYPE_CHECKING:
    from leadterm.theory import Centring

COLUMNS = {"bigram": "follow it", "interchange": "stand in its place", "context": "stand before it"}
"""Basis functions, and what their strongest tokens do with respect to the given token."""
TITLES: dict[Centring, str] = {
    "uniform": "as the theory defines them",
    "frequency": "beyond what frequency explains",
}
"""The two centrings of the basis functions."""
WIDTH, NAME_WIDTH = 26, 15
"""Characters of a column, and of a token in it."""
ONE_DIRECTION = 2.0
"""An effective rank below which a covariance is that of one direction."""
LONGEST_NAME = 200
"""Characters of a token that are shown at most."""


def summarise(path: str, tokens: Sequence[str], k: int) -> str:
    """Describe a run in a few lines, then the strongest associations of some tokens.

    Parameters
    ----------
    path
        The run directory.
    tokens
        Of its vocabulary, as people type them.
    k
        Associations per token and basis function.
    """
    run = open_run(path)
    tables = [associations_table(run, token, k) for token in tokens]
    return "\n".join([describe(run), *tables, *agreement_table(run), _where(run)])


def describe(run: Run) -> str:
    """Describe the corpus in a few lines."""
    counts = run.manifest(Product.WINDOWS).counts
    dropped = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in counts["dropped"].items() if n) or "none"
    names = [one for one in Product if one.pairs and one.files and one in run.products]
    pairs = ", ".join(f"{run.manifest(name).counts['nonzeros']:,} in {name}" for name in names)
    return (
        f"\ndocuments  {counts['documents']:,} read, {counts['kept']:,} kept; dropped: {dropped}\n"
        f"tokens     {counts['tokens']:,} of a vocabulary of {counts['vocabulary_size']:,}\n"
        f"windows    {counts['windows']:,} of up to {run.context_length} positions; {counts['positions']:,} positions\n"
        f"matrices   distinct pairs: {pairs}\n"
    )


def associations_table(run: Run, token: str, k: int) -> str:
    """Lay out the strongest associations of a token under each basis function, for both centrings."""
    index = run.token_id(token)
    shown = shortened(run.names.shown[index])
    lines = [] if (aside := run.names.aside(token)) is None else [printable(aside)]
    for centring, title in TITLES.items():
        columns = [_cells(run, run.names.tokens[index], basis, k, centring) for basis in COLUMNS]
        heads = [f"{basis}: {meaning}" for basis, meaning in COLUMNS.items()]
        lines += [f"{shown!r}, {title}", "  ".join(f"{head:<{WIDTH}}" for head in heads).rstrip()]
        lines += ["  ".join(f"{cell:<{WIDTH}}" for cell in row).rstrip() for row in zip(*columns, strict=False)]
        lines.append("")
    return "\n".join(lines)


def _cells(run: Run, token: str, basis: str, k: int, centring: Centring) -> list[str]:
    """Write associations as cells, leaving out that a token can take its own place."""
    found = run.associations(token, basis, k + 1, centring=centring)
    others = [(name, score) for name, score in found if name != token or basis != "interchange"]
    rows = [(shortened(run.names.shown[run.token_id(name)]), score) for name, score in others[:k]]
    return [f"{_fitted(printable(name)):<{NAME_WIDTH}} {score:+.1e}" for name, score in rows]


def _fitted(name: str) -> str:
    """Shorten a name that does not fit."""
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"


def printable(token: str) -> str:
    """Write a token as a terminal can show it, with control characters escaped."""
    return token if token.isprintable() else repr(token)[1:-1]


def shortened(token: str) -> str:
    """Shorten a token that is too long to read: vocabularies from outside may contain one of megabytes."""
    return token if len(token) <= LONGEST_NAME else f"{token[: LONGEST_NAME - 1]}…"


def agreement_table(run: Run) -> list[str]:
    """Lay out the strongest agreement of each revision that was scored: a column for each component."""
    if not run.alignment_manifests():
        return []
    # What layers, not heads, agree with, beyond what all embeddings share, in the corpus as it is.
    table = run.alignment().filter(
        (pc.field("metric") == "centred") & pc.field("head").is_null() & ~pc.ends_with(pc.field("corpus"), SHUFFLED)
    )
    strongest: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    found = table.filter(pc.field("score").is_valid()).to_pylist()
    for row in found:
        cells = strongest.setdefault((row["model"], row["revision"]), {})
        if row["component"] not in cells or row["score"] > cells[row["component"]]["score"]:
            cells[row["component"]] = row
    components = list(dict.fromkeys(name for cells in strongest.values() for name in cells))
    rows = [
        ["strongest centred agreement", *components],
        *([f"{model} {revision}", *map(_agreement, map(cells.get, components))]
          for (model, revision), cells in strongest.items()),
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    each = {(row["component"], row["layer"], row["predictor"]) for row in found}
    compared = max((sum(one[0] == name for one in each) for name in components), default=0)
    notes = [f"each is the largest of up to {compared} scores, over layers and predictors", *_single_directions(found)]
    return [*map(printable, lines), *map(printable, notes), ""]


def _single_directions(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say in which revisions streams as they are have all but one direction hidden by a few huge tokens."""
    flat: dict[tuple[str, str], dict[int, str]] = {}
    for row in rows:
        if row["component"] in ("pre", "mid", "post") and (row["effective_rank"] or ONE_DIRECTION) < ONE_DIRECTION:
            flat.setdefault((row["model"], row["revision"]), {})[row["layer"]] = row["top_tokens"] or ""
    return [
        f"{model} {revision}: streams of {len(layers)} layers from {min(layers)} on are one direction, mostly of "
        f"{layers[max(layers)]}; look at 'read', the stream after the norm, there"
        for (model, revision), layers in flat.items()
    ]


def _agreement(row: dict[str, Any] | None) -> str:
    """Write a score, its predictor, its layer, and how far it is above the null."""
    if row is None:
        return "-"
    beyond = "" if row["z"] is None else f", z {row['z']:,.0f}"
    return f"{row['score']:.3f} {row['predictor']}, layer {row['layer']}{beyond}"


def _where(run: Run) -> str:
    """Say where the products are and what to do next."""
    places = "\n".join(f"  {run.location / product}" for product in run.products)
    return f"it is in\n{places}\nopen it with  leadterm.open_run({str(run.location)!r})"
