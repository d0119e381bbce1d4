"""Starts commands as shells, schedulers and nohup do: with signals that are ignored, or blocked."""

import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from support.commands import environment


def _ignoring(*signals: signal.Signals) -> Callable[[], None]:
    def before() -> None:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # The tests themselves may run under nohup.
            signal.signal(one, signal.SIG_IGN if one in signals else signal.SIG_DFL)

    return before


def _blocking(*signals: signal.Signals) -> Callable[[], None]:
    def before() -> None:
        _ignoring()()
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    return before


WAYS: dict[str, Callable[[], Any]] = {
    "terminal": _ignoring(),
    "script with &": _ignoring(signal.SIGINT),
    "all ignored": _ignoring(signal.SIGINT, signal.SIGTERM),
    "blocked": _blocking(signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    "nohup": _ignoring(signal.SIGHUP),
}
"""What a process inherits, by who starts it."""


def started(
    way: str, command: Sequence[str | Path], folder: Path, stdout: Any = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """Start a command from a folder; what it writes to standard error goes to standard output."""
    return subprocess.Popen(
        [str(word) for word in command], cwd=folder, env=environment(), text=True, preexec_fn=WAYS[way],  # noqa: PLW1509
        stdout=stdout, stderr=subprocess.STDOUT,
    )  # fmt: skip
