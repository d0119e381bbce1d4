"""``leadterm sources``: the documents behind an association."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.cli.console import say
from leadterm.errors import InputError
from leadterm.pipeline.preflight import require_installed
from leadterm.storage import Location

if TYPE_CHECKING:
    import pyarrow as pa

    from leadterm.run.open_run import Run


def add_sources(commands: Any) -> None:
    """Add ``leadterm sources``."""
    command = commands.add_parser("sources", help="find the documents behind an association, with exact shares")
    command.add_argument("run", help="a run directory")
    command.add_argument("token", nargs="?", help="the earlier token, as typed ('bread') or as the page shows it")
    command.add_argument("other", nargs="?", help="the later one")
    command.add_argument(
        "--map",
        choices=("bigram", "context"),
        default="bigram",
        help="it follows, or stands anywhere after (default bigram)",
    )
    command.add_argument("-k", type=int, default=20, help="documents of a pair, the largest shares (default 20)")
    command.add_argument("--all", action="store_true", help="all documents, not the largest shares")
    command.add_argument("--pairs", metavar="FILE", help="look all pairs of a file up at once, with Spark")
    command.add_argument("--overwrite", action="store_true", help="with --pairs: replace what was found for others")
    command.set_defaults(action=_sources)


def _sources(options: argparse.Namespace) -> None:
    """Show the documents behind a pair, or find those behind many."""
    if (options.pairs is None) == (options.other is None):
        raise InputError("name two tokens, or a file of pairs with --pairs FILE")
    if options.pairs is not None:
        _find_many(options)
        return
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it

    run = open_run(options.run)
    say(_listing(run, run.sources(options.token, options.other, options.map, _limit(options)), options))


def _limit(options: argparse.Namespace) -> int | None:
    """Say how many documents of a pair are wanted; None for all."""
    return None if options.all else int(options.k)


def _find_many(options: argparse.Namespace) -> None:
    """Find the documents behind the pairs of a file, as a product of the run."""
    require_installed("leadterm sources --pairs", [Job.ATTRIBUTE_PAIRS])
    from leadterm.counting.pair_units import PairMap  # noqa: PLC0415  # brings numba
    from leadterm.pipeline.attribute_pairs.job import attribute_pairs  # noqa: PLC0415  # brings Spark
    from leadterm.pipeline.attribute_pairs.pairs_file import read_pairs  # noqa: PLC0415  # not for every command
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # as above
    from leadterm.spark.session import spark_session  # noqa: PLC0415  # brings Spark

    run = open_run(options.run)
    pairs, kind = read_pairs(Location.of(options.pairs), run.names), PairMap[options.map.upper()]
    with spark_session(f"leadterm sources {run.location}") as session:
        attribute_pairs(session, run.location, pairs, kind, _limit(options), overwrite=options.overwrite)
    counts = run.manifest(Product.PAIR_SOURCES).counts
    say(f"{counts['shares']:,} shares of documents in {counts['occurring']:,} of {counts['pairs']:,} pairs:")
    say(f"  {run.location / Product.PAIR_SOURCES}\nread them with run.pair_sources()")


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
