"""Signals that ask a command to stop: each becomes an exception in the main thread, however the process was started."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

from leadterm.errors import Stopped

CANCEL_SECONDS = 5.0
"""How long Spark may take to cancel its jobs before the command ends without that."""
AGAIN_SECONDS = 0.1
"""After which a signal that got lost is sent again."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, SIGINT, is Python's own, and PySpark's while it runs."""


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a block with :class:`~leadterm.errors.Stopped`; only the main thread can.

    A process inherits what its parent ignored or blocked: a shell starts ``command &`` with SIGINT ignored, some
    schedulers start all with SIGTERM ignored or blocked. Whoever sends SIGTERM all the same wants the job to end. A
    SIGHUP that is ignored stays so: ``nohup`` asks for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught = [one for one in SIGNALS if one == signal.SIGTERM or signal.getsignal(one) != signal.SIG_IGN]
    before, unraisable = {one: signal.signal(one, _stop) for one in caught}, sys.unraisablehook
    sys.unraisablehook = partial(_stop_again, unraisable)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, caught)
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        for one, handler in before.items():
            signal.signal(one, signal.SIG_DFL if handler is None else handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Cancel what Spark does, and end what the main thread does."""
    _cancel_spark_jobs()
    raise Stopped(number)


def _stop_again(report: Callable[[Any], object], unraisable: Any) -> None:
    """Send a signal once more that came while Python called a finaliser, from which no exception gets out."""
    stop = unraisable.exc_value
    if not isinstance(stop, Stopped):
        report(unraisable)
        return
    timer = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), stop.number))
    timer.daemon = True
    timer.start()


def _cancel_spark_jobs() -> None:
    """Call the handler that PySpark sets for Ctrl-C, which cancels all jobs; in a thread, as Java may not answer.

    Without that, executors go on with a job whose driver is no longer there to be told of it.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or handler is signal.default_int_handler:
        return
    thread = threading.Thread(target=_call, args=(handler,), daemon=True)
    with suppress(RuntimeError):  # Python is ending, and starts no thread any more.
        thread.start()
        thread.join(CANCEL_SECONDS)


def _call(handler: Callable[[int, FrameType | None], Any]) -> None:
    """Call a handler; that it ends with KeyboardInterrupt is for the main thread."""
    with suppress(BaseException):
        handler(signal.SIGINT, None)
