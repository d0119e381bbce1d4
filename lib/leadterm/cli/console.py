"""What commands say, and how they end."""

import signal
import sys
from collections.abc import Callable
from typing import TextIO

from leadterm.cli.logging_setup import logging_for
from leadterm.cli.sanitise import harmless
from leadterm.cli.signals import stopped_by_signals
from leadterm.errors import LeadtermError, interruption_in
from leadterm.storage import Location


def report_errors(action: Callable[[], object], command: str = "", log_json: str | None = None) -> int:
    """Run a command, and return its exit status.

    A LeadtermError becomes its message and status 1. A signal that stops the command becomes a message and 128 with its
    number: 143 of SIGTERM, 130 of Ctrl-C, 129 of SIGHUP. Anything else keeps its traceback.
    """
    try:
        with stopped_by_signals(), logging_for(command, log_json):
            action()
    except BaseException as error:
        if (stop := interruption_in(error)) is not None:
            what = str(stop) or "stopped"
            say(f"leadterm: {what}; finished products are kept; run again to resume", sys.stderr)
            return 128 + getattr(stop, "number", signal.SIGINT)
        if isinstance(error, LeadtermError):
            say(f"leadterm: {error}", sys.stderr)
            return 1
        raise
    return 0


def say(text: str, stream: TextIO | None = None) -> None:
    """Write what a command has to say, on standard output by default: the only place where the library prints."""
    print(harmless(text), file=stream)


def say_page(run: str) -> None:
    """Say where the page about a run is."""
    from leadterm.report.page import page_address  # noqa: PLC0415  # not every command should load it

    say(f"look at it in a browser:  {page_address(Location.of(run))}")
