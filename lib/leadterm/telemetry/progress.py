"""Shows how much of some work is done: a bar in a terminal, a line now and then in a log."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NoReturn, Protocol, TextIO

from tqdm import tqdm

from leadterm.telemetry.events import current_job, tell

LINE_SECONDS = 10.0
"""How often a log gets a line."""
BAR = (
    "{desc} {percentage:3.0f} % |{bar}| {n_fmt}/{total_fmt}{unit}, {rate_noinv_fmt}, {elapsed} elapsed, "
    "{remaining} left{postfix}"
)


@dataclass(frozen=True)
class Done:
    """How many parts of some work are done, of how many that are known so far, and what else there is to say."""

    done: int = 0
    total: int = 0
    note: str = ""


class Display(Protocol):
    """Where progress is shown."""

    def show(self, state: Done) -> None:
        """Show the state of things, which may be as it was."""

    def close(self, state: Done, *, is_whole: bool) -> None:
        """Show the last state; ``is_whole`` if the work came to its end."""


class Bar:
    """A bar that is drawn over and over, in a terminal, from the first state that it is shown."""

    def __init__(self, description: str, unit: str, stream: TextIO) -> None:
        self._description, self._unit, self._stream = description, unit, stream
        self._started = time.time()
        self._bar: tqdm[NoReturn] | None = None

    def show(self, state: Done) -> None:
        """Draw the bar again."""
        if self._bar is None:
            self._bar = self._open()
        self._bar.n, self._bar.total = state.done, state.total
        self._bar.set_postfix_str(state.note, refresh=False)
        self._bar.refresh()

    def _open(self) -> "tqdm[NoReturn]":
        """Begin the bar, whose time is that of the work; the delay keeps it from being drawn before that is set."""
        bar = tqdm(
            desc=self._description, total=0, file=self._stream, unit=f" {self._unit}", bar_format=BAR,
            dynamic_ncols=True, smoothing=0, delay=1e-9,
        )  # fmt: skip
        bar.start_t = self._started
        return bar

    def close(self, state: Done, *, is_whole: bool) -> None:
        """Leave the bar as it is last."""
        self.show(state)
        if self._bar is not None:
            self._bar.close()


class Lines:
    """A line every 10 seconds and one at the end, for a log."""

    def __init__(self, description: str, unit: str, stream: TextIO) -> None:
        self._description, self._unit, self._stream = description, unit, stream
        self._started = self._written = time.monotonic()

    def show(self, state: Done) -> None:
        """Write a line, if the last one is old."""
        now, done, total = time.monotonic(), state.done, state.total
        if now - self._written < LINE_SECONDS or not total:
            return
        self._written, passed = now, now - self._started
        left = tqdm.format_interval(passed * (total - done) / done) if done else "?"
        self._write(
            f"{done} of {total} {self._unit} ({100 * done // total} %), {done / passed:.2f} {self._unit}/s, "
            f"{tqdm.format_interval(passed)} elapsed, {left} left",
            state.note,
        )

    def close(self, state: Done, *, is_whole: bool) -> None:
        """Write the last line; nothing if the work was broken off, as the error says more."""
        if is_whole:
            passed = tqdm.format_interval(time.monotonic() - self._started)
            self._write(f"{state.total} {self._unit} in {passed}", state.note)

    def _write(self, text: str, note: str) -> None:
        """Write one line."""
        self._stream.write(f"{self._description}: {text}{f', {note}' if note else ''}\n")
        self._stream.flush()


class Told:
    """A display whose stage machines are told of too: that it began, every 10 seconds how far it is, how it ended."""

    def __init__(self, display: Display, stage: str, unit: str) -> None:
        self._display, self._stage, self._unit = display, stage, unit
        self._job = current_job() or None  # Another thread may show what this one does.
        self._started = self._told = time.monotonic()
        self._tell("start", "started", 0.0, Done())

    def show(self, state: Done) -> None:
        """Show the state, and tell it if the last one is old."""
        self._display.show(state)
        now = time.monotonic()
        if now - self._told >= LINE_SECONDS and state.total:
            self._told, passed = now, now - self._started
            rate = state.done / passed
            left = round((state.total - state.done) / rate, 1) if rate else None
            self._tell("progress", f"{state.done} of {state.total}", passed, state, left)

    def close(self, state: Done | None, *, is_whole: bool) -> None:
        """Show the last state, if there was any, and tell how the stage ended."""
        if state is not None:
            self._display.close(state, is_whole=is_whole)
        passed, (event, text) = time.monotonic() - self._started, ENDS[is_whole]
        self._tell(event, text, passed, state or Done())

    def _tell(self, event: str, text: str, passed: float, state: Done, left: float | None = None) -> None:
        """Log an event of this stage."""
        rate = round(state.done / passed, 3) if state.done and passed else None
        tell(
            event, f"{self._stage}: {text}", stage=self._stage, unit=self._unit, job=self._job, done=state.done,
            total=state.total, seconds=round(passed, 3), per_second=rate, seconds_left=left, note=state.note or None,
        )  # fmt: skip


ENDS = {True: ("done", "done"), False: ("failed", "broken off")}
"""How a stage ends: the event, and in words."""


def open_display(description: str, unit: str, stream: TextIO | None = None) -> Told:
    """Choose a bar where the stream, by default standard error, is a terminal, and lines where it is not."""
    stream = stream or sys.stderr
    kind = Bar if stream.isatty() else Lines
    return Told(kind(description, unit, stream), description, unit)


_PART: ContextVar[str] = ContextVar("_PART", default="")
"""Of what larger work the descriptions of this thread are a part."""


@contextmanager
def part_of(name: str) -> Iterator[None]:
    """Put a name before every description of the block: ``shuffled: count co-occurrences``."""
    token = _PART.set(f"{_PART.get()}{name}: ")
    try:
        yield
    finally:
        _PART.reset(token)


def titled(description: str) -> str:
    """Say of what larger work something is a part, if it is."""
    return f"{_PART.get()}{description}"


@contextmanager
def repeatedly(action: Callable[[], object], seconds: float) -> Iterator[None]:
    """Do something every so many seconds, in a thread of its own, until the block is over."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Report(Protocol):
    """Told how many parts are done, and a note to show beside them."""

    def __call__(self, done: int, note: str = "") -> None:
        """Show it."""


@contextmanager
def progress(description: str, total: int, unit: str, stream: TextIO | None = None) -> Iterator[Report]:
    """Show how much of a block's work is done; nothing, where no part of it had to be.

    Parameters
    ----------
    description
        What the block does.
    total, unit
        How many parts its work has, and what they are, in the plural.
    stream
        Where to; standard error by default.

    Yields
    ------
    Report
        To be told of each part that is done.
    """
    display, is_whole = open_display(titled(description), unit, stream), False
    state: Done | None = None

    def report(done: int, note: str = "") -> None:
        nonlocal state
        state = Done(done, total, note)
        display.show(state)

    try:
        yield report
        is_whole = True
    finally:
        display.close(state, is_whole=is_whole)
