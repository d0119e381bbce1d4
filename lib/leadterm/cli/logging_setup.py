"""Where commands log to: lines for people on standard error, and lines of JSON for machines in a file."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from leadterm._version import __version__
from leadterm.cli.sanitise import Harmless
from leadterm.errors import MachineError, reason_of
from leadterm.telemetry.events import ONLY_FOR_MACHINES, JsonLines, tell

VARIABLE = "LEADTERM_LOG_JSON"
"""Of the environment: the file where no option names one."""
NOT_FOR_PEOPLE = ("java_gateway", "clientserver")
"""Modules of Py4J, which log in full what they then raise, and whatever goes wrong as they close."""


def add_log_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that every command takes."""
    parser.add_argument(
        "--log-json",
        metavar="FILE",
        default=os.environ.get(VARIABLE) or None,
        help=f"append events to a file, one JSON object per line (default ${VARIABLE})",
    )


@contextmanager
def logging_for(command: str, file: str | None) -> Iterator[None]:
    """Log a command for people, and for machines if there is a file; tell how it ended.

    Raises
    ------
    MachineError
        If the file cannot be written.
    """
    people = logging.StreamHandler(sys.stderr)
    people.addFilter(lambda record: record.module not in NOT_FOR_PEOPLE)
    people.setFormatter(Harmless("%(message)s"))
    logging.basicConfig(handlers=[people])
    loggers = (logging.getLogger("leadterm"), ONLY_FOR_MACHINES)
    loggers[0].setLevel(logging.INFO)
    machines = _open(file) if file else logging.NullHandler()
    for logger in loggers:
        logger.addHandler(machines)
    try:
        with _told(command):
            yield
    finally:
        for logger in loggers:
            logger.removeHandler(machines)
        machines.close()


def _open(file: str) -> logging.Handler:
    """Open the file of JSON lines."""
    try:
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise MachineError(f"cannot write the log {file}: {error}. Choose another file with --log-json.") from error
    handler.setFormatter(JsonLines())
    return handler


@contextmanager
def _told(command: str) -> Iterator[None]:
    """Tell that a command begins, and how it ended."""
    started = time.monotonic()
    tell("start", f"{command}: started", command=command, version=__version__)
    try:
        yield
    except BaseException as error:
        seconds = round(time.monotonic() - started, 3)
        tell("failed", f"{command}: failed", level=logging.ERROR, command=command, seconds=seconds, **reason_of(error))
        raise
    tell("done", f"{command}: done", command=command, seconds=round(time.monotonic() - started, 3))
