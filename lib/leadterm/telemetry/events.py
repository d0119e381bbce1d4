"""What happens in a run, told to machines: log records that carry named values beside their message, and JSON of them.

The values travel in logging's records: a program that embeds leadterm can take them with a handler of its own.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

VALUES = "values"
"""The attribute of a record that holds its values."""
ONLY_FOR_MACHINES = logging.getLogger("leadterm.telemetry.events")
"""The logger of records that a person sees in another form, the progress of stages: only its own handlers get them."""
ONLY_FOR_MACHINES.propagate = False
ONLY_FOR_MACHINES.setLevel(logging.INFO)
ONLY_FOR_MACHINES.addHandler(logging.NullHandler())

_JOB: ContextVar[str] = ContextVar("_JOB", default="")


@contextmanager
def in_job(name: str) -> Iterator[None]:
    """Say of what job all records of a block are."""
    token = _JOB.set(name)
    try:
        yield
    finally:
        _JOB.reset(token)


def current_job() -> str:
    """Name the job that runs; empty outside of one."""
    return _JOB.get()


def valued(event: str, **values: Any) -> dict[str, Any]:
    """Make the ``extra`` of a log record that tells an event; what is None is left out."""
    known = {name: value for name, value in values.items() if value is not None}
    return {VALUES: {"event": event, "job": _JOB.get() or None, **known}}


def tell(event: str, message: str, *, level: int = logging.INFO, **values: Any) -> None:
    """Log an event that only machines are told."""
    ONLY_FOR_MACHINES.log(level, message, extra=valued(event, **values))


class JsonLines(logging.Formatter):
    """Writes every record as one line of JSON: time, level, event, job, message, and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        values = {"event": "message", "job": _JOB.get() or None} | getattr(record, VALUES, {})
        fields = {"time": time, "level": record.levelname.lower(), **values, "message": record.getMessage()}
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps({key: value for key, value in fields.items() if value is not None}, default=str)
