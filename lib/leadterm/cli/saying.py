"""What commands say, and how they end."""

import logging
import signal
import sys
from collections.abc import Callable
from typing import TextIO

from leadterm.errors import LeadtermError
from leadterm.store import Location


def report_errors(action: Callable[[], object]) -> int:
    """Run a command; a LeadtermError becomes its message and exit status 1, anything else keeps its traceback."""
    handler = logging.StreamHandler(sys.stderr)
    # Py4J logs in full what it then raises, and whatever goes wrong as it closes.
    handler.addFilter(lambda record: record.module not in ("java_gateway", "clientserver"))
    logging.basicConfig(format="%(message)s", handlers=[handler])
    logging.getLogger("leadterm").setLevel(logging.INFO)
    # A scheduler's SIGTERM cleans up as Ctrl-C does, and cancels Spark's jobs by the handler that PySpark sets for it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
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
    print(text, file=stream)


def say_page(run: str) -> None:
    """Say where the page about a run is."""
    from leadterm.report import page_address  # noqa: PLC0415  # brings PyTorch

    say(f"look at it in a browser:  {page_address(Location.of(run))}")
