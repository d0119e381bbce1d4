"""Turns what Spark throws into the error a user can act on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from leadterm import errors
from leadterm.errors import InputError, LeadtermError, MachineError

RAISED = re.compile(r"leadterm\.errors\.(\w+): (.+)")
UNREADABLE = re.compile(
    r"(?:FAILED_READ_FILE|CANNOT_READ_FILE_FOOTER)\S*\].*?(?:file|footer)[^:]*?\s(\S+?)[.\s]*(?:\n|SQLSTATE)"
)
NO_PATH = re.compile(r"\[PATH_NOT_FOUND\] Path does not exist: (\S+?)\.? ")
NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")


@contextmanager
def readable_errors() -> Iterator[None]:
    """Translate exceptions of Spark jobs in the block.

    Raises
    ------
    LeadtermError
        The one that an executor raised, or one made of what Spark reports: a path that is not there, a file that cannot
        be read, a full disk. Anything unknown passes unchanged.
    """
    try:
        yield
    except (PySparkException, Py4JError) as error:
        translated = translate(str(error))
        if translated is None:
            raise
        raise translated from error


def translate(report: str) -> LeadtermError | None:
    """Find the cause in the text of a Spark exception; None if it is not known."""
    raised = RAISED.findall(report)
    if raised:
        name, message = raised[-1]
        kind = getattr(errors, name, LeadtermError)
        return kind(message.strip())
    if NO_SPACE.search(report):
        return MachineError(
            "a disk is full: free space where the output or Spark's scratch folder (spark.local.dir) lies, "
            "then run again; finished products are kept"
        )
    missing = NO_PATH.search(report)
    if missing:
        return InputError(f"there is no such path: {missing.group(1)}. Check corpus.paths in the config.")
    unreadable = UNREADABLE.search(report)
    if unreadable:
        return InputError(f"cannot read {unreadable.group(1)}: it is truncated, corrupt or not of the format given")
    return None
