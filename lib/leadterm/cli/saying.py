"""What commands say, and how they end."""

import signal
import sys
from collections.abc import Callable
from typing import TextIO

from leadterm.cli.logs import logging_for
from leadterm.cli.terminal import harmless
from leadterm.errors import LeadtermError
from leadterm.store import Location


def report_errors(action: Callable[[], object], command: str = "", log_json: str | None = None) -> int:
    """Run a command; a LeadtermError becomes its message and exit status 1, anything else keeps its traceback."""
    # A scheduler's SIGTERM cleans up as Ctrl-C does, and cancels Spark's jobs by the handler that PySpark sets for it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with logging_for(command, log_json):
            action()
    except LeadtermError as error:
        say(f"leadterm: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("leadterm: stopped; finished products are kept, run again to go on", sys.stderr)
        return 130
    return 0


def say(text: str, stream: TextIO | None = None) -> None:
    """Write what a command has to say, on standard output by default: the only place where the library prints."""
    print(harmless(text), file=stream)


def say_page(run: str) -> None:
    """Say where the page about a run is."""
    from leadterm.report import page_address  # noqa: PLC0415  # brings PyTorch

    say(f"look at it in a browser:  {page_address(Location.of(run))}")
