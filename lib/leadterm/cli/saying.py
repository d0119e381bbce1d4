"""What commands say, and how they end."""

import logging
import signal
import sys
import unicodedata
from collections.abc import Callable
from typing import TextIO

from leadterm.errors import LeadtermError
from leadterm.store import Location

COMMANDS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of Unicode: control and format characters, what has no meaning, and separators that end a line."""


def report_errors(action: Callable[[], object]) -> int:
    """Run a command; a LeadtermError becomes its message and exit status 1, anything else keeps its traceback."""
    handler = logging.StreamHandler(sys.stderr)
    # Py4J logs in full what it then raises, and whatever goes wrong as it closes.
    handler.addFilter(lambda record: record.module not in ("java_gateway", "clientserver"))
    handler.setFormatter(_Harmless("%(message)s"))
    logging.basicConfig(handlers=[handler])
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
    print(harmless(text), file=stream)


def harmless(text: str) -> str:
    r"""Write what would command a terminal, or turn its text around, as escapes: names in messages are others' text.

    Examples
    --------
    >>> print(harmless("\x1b[2J is not\na name"))
    \x1b[2J is not
    a name
    """
    return "".join(
        one if one in "\n\t" or unicodedata.category(one) not in COMMANDS else one.encode("unicode_escape").decode()
        for one in text
    )


class _Harmless(logging.Formatter):
    """Writes the message alone."""

    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))


def say_page(run: str) -> None:
    """Say where the page about a run is."""
    from leadterm.report import page_address  # noqa: PLC0415  # brings PyTorch

    say(f"look at it in a browser:  {page_address(Location.of(run))}")
