"""``leadterm show``: what a run holds."""

from collections.abc import Sequence
from typing import Any

from leadterm.cli.console import say


def add_show(commands: Any) -> None:
    """Add ``leadterm show``."""
    command = commands.add_parser("show", help="show what a run contains and the strongest associations of some tokens")
    command.add_argument("run", help="a run directory")
    command.add_argument(
        "tokens", nargs="*", default=[], help="tokens, as typed (' bread') or as the report page shows them"
    )
    command.add_argument("-k", type=int, default=10, help="associations per token (default 10)")
    command.set_defaults(action=lambda options: show(options.run, options.tokens, options.k))


def show(run: str, tokens: Sequence[str], k: int) -> None:
    """Show what a run holds."""
    from leadterm.run.summary import summarise  # noqa: PLC0415  # not every command should load it

    say(summarise(run, tokens, k))
