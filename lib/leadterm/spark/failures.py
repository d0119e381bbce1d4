"""Turns what Spark throws into the error a user can act on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from leadterm import errors
from leadterm.errors import InputError, LeadtermError, MachineError
from leadterm.store.location import Location

RAISED = re.compile(r"leadterm\.errors\.(\w+): (.+)")
UNREADABLE = re.compile(r"\[FAILED_READ_FILE\.\S+\] Encountered error while reading file (\S+?)\.?\s")
CAUSED_BY = re.compile(r"^(?:Caused by)?: (.+)$", re.MULTILINE)
CLASS_NAME = re.compile(r"^(?:[a-z]\w*\.)+(?:[A-Z]\w*\$?)+: ")
NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")
READ_ONLY = re.compile(r"Read-only file system")
NO_MEMORY = re.compile(r"java\.lang\.OutOfMemoryError|SparkOutOfMemoryError")
WORKER_DIED = re.compile(r"Python worker exited unexpectedly|ExecutorLostFailure")
MACHINE = (
    (
        NO_SPACE,
        "a disk is full: free space where the output or Spark's scratch folder (spark.local.dir) lies, then run "
        "again; finished products are kept",
    ),
    (
        READ_ONLY,
        "the output, or Spark's scratch folder (spark.local.dir), became read-only: make it writable, then run again; "
        "finished products are kept",
    ),
    (NO_MEMORY, "Java ran out of memory: raise spark.executor.memory (run locally: spark.driver.memory)"),
    (
        WORKER_DIED,
        "an executor or its Python was killed, most likely for want of memory: lower counting.memory_per_task or "
        "the number of tasks at once (spark.executor.cores), or raise spark.executor.memoryOverhead",
    ),
)
"""What a machine lacks, the first that a report tells of."""
JAVA_GONE = (Py4JNetworkError, ConnectionRefusedError, ConnectionResetError)
NO_JAVA = (
    "Java, in which Spark's driver runs, has ended, most likely for want of memory: raise spark.driver.memory, or run "
    "fewer tasks at once (spark.master: local[2])"
)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Translate exceptions of Spark jobs in the block, and of the driver's own files.

    Raises
    ------
    LeadtermError
        The one that an executor raised, or one made of what Spark reports: a file that cannot be read, a full disk, too
        little memory. Anything unknown passes unchanged.
    KeyboardInterrupt
        In place of the errors that follow it.
    """
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        if _was_interrupted(error):
            raise KeyboardInterrupt from error
        translated = translate(str(error)) if not isinstance(error, JAVA_GONE) else MachineError(NO_JAVA)
        if translated is None:
            raise
        raise translated from error


def _was_interrupted(error: BaseException | None) -> bool:
    """Say whether an exception is only what came of Ctrl-C, upon which PySpark cancels its jobs."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False


def translate(report: str) -> LeadtermError | None:
    """Find the cause in the text of a Spark exception; None if it is not known."""
    raised = RAISED.findall(report)
    if raised:
        name, message = raised[-1]
        return getattr(errors, name, LeadtermError)(message.strip())
    for pattern, message in MACHINE:
        if pattern.search(report):
            return MachineError(message)
    unreadable = UNREADABLE.search(report)
    if unreadable:
        name, cause = file_name(unreadable.group(1)), root_cause(report)
        return InputError(f"cannot read {name}, which is damaged ({cause}). Repair it or leave it out.")
    return None


def root_cause(report: object) -> str:
    """Find the innermost cause that a Java stack trace tells, without the name of its class."""
    causes = CAUSED_BY.findall(str(report)) or str(report).splitlines() or ["unknown cause"]
    return CLASS_NAME.sub("", causes[-1]).rstrip(".")


def file_name(url: str) -> str:
    """Write a file's URL as a user would: a path, without escapes, where it is on a local disk."""
    return str(Location.of(url)) if url.startswith("file:") else url
