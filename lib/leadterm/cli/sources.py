"""``leadterm sources``: the documents behind an association."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from leadterm.cli.console import say

if TYPE_CHECKING:
    import pyarrow as pa

    from leadterm.run.open_run import Run


def add_sources(commands: Any) -> None:
    """Add ``leadterm sources``."""
    command = commands.add_parser("sources", help="find the documents behind an association, with exact shares")
    command.add_argument("run", help="a run directory")
    command.add_argument("token", help="the earlier token, as typed ('bread') or as the page shows it")
    command.add_argument("other", help="the later one")
    command.add_argument(
        "--map",
        choices=("bigram", "context"),
        default="bigram",
        help="it follows, or stands anywhere after (default bigram)",
    )
    command.add_argument("-k", type=int, default=20, help="documents that are shown (default 20)")
    command.set_defaults(action=_sources)


def _sources(options: argparse.Namespace) -> None:
    """Show the documents behind a pair."""
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it

    run = open_run(options.run)
    say(_listing(run, run.sources(options.token, options.other, options.map, options.k), options))


def _listing(run: Run, found: pa.Table, options: argparse.Namespace) -> str:
    """Lay the documents out: what each adds, where it lies, and the text around the pair."""
    earlier, later = (run.names.shown[run.token_id(token)] for token in (options.token, options.other))
    shares = sum(found["share"].to_pylist())
    lines = [
        f"{earlier!r} → {later!r} in the {options.map} matrix: {shares:.1%} of the entry in {len(found):,} documents"
    ]
    for row in found.to_pylist():
        place = "place not known" if row["path"] is None else f"{row['path']}, row {row['row']}"
        copies = f", {row['copies']} copies" if (row["copies"] or 1) > 1 else ""
        lines += [f"{row['share']:6.1%}  {row['units']:>14,}  {place}{copies}", f"        {row['passage']}"]
    return "\n".join(lines)
