"""Turns what Spark throws into the error a user can act on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from leadterm import errors
from leadterm.errors import InputError, LeadtermError, MachineError, interruption_in
from leadterm.storage.location import Location
from leadterm.storage.store_errors import unreachable

RAISED = re.compile(r"leadterm\.errors\.(\w+): (.+)")
UNREADABLE = re.compile(r"\[FAILED_READ_FILE\.\S+\] Encountered error while reading file (\S+?)\.?\s")
CAUSED_BY = re.compile(r"^(?:Caused by)?: (.+)$", re.MULTILINE)
CLASS_NAME = re.compile(r"^(?:[a-z]\w*\.)+(?:[A-Z]\w*\$?)+: ")
NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")
READ_ONLY = re.compile(r"Read-only file system")
NO_MEMORY = re.compile(r"java\.lang\.OutOfMemoryError|SparkOutOfMemoryError")
STORE = re.compile(r"OSError: ((?:When .*AWS Error|Bucket ').+)")
"""What pyarrow says of an object store, in a task."""
WORKER_DIED = re.compile(r"Python worker exited unexpectedly|ExecutorLostFailure")
SHUT_DOWN = re.compile(
    r"SparkContext (was shut down|has been shutdown)|stopped SparkContext|dagScheduler\(\)\" is null"
)
CANCELLED = re.compile(r"SPARK_JOB_CANCELLED|Job \d+ cancelled")
MACHINE = (
    (
        NO_SPACE,
        "a disk is full: free space where the output or Spark's scratch folder (spark.local.dir) lies, then run "
        "again; finished products are kept",
    ),
    (
        READ_ONLY,
        "the output, or Spark's scratch folder (spark.local.dir), has become read-only: make it writable, then run "
        "again; finished products are kept",
    ),
    (NO_MEMORY, "Java ran out of memory: raise spark.executor.memory (run locally: spark.driver.memory)"),
    (
        SHUT_DOWN,
        "Spark was stopped from outside, for example by a signal to spark-submit; finished products are kept; run "
        "again to resume",
    ),
    (
        CANCELLED,
        "the Spark job was cancelled from outside, for example on Spark's web pages; finished products are kept; run "
        "again to resume",
    ),
    (
        WORKER_DIED,
        "an executor or its Python was killed, most likely because memory ran out: lower counting.memory_per_task or "
        "the number of tasks at once (spark.executor.cores), or raise spark.executor.memoryOverhead",
    ),
)
"""What a machine lacks, or who stopped it, the first that a report tells of."""
JAVA_GONE = (Py4JNetworkError, ConnectionRefusedError, ConnectionResetError)
NO_CLASSES = re.compile(r"does not exist in the JVM$")
"""What Py4J says of a class that it looked for in a Java that has just gone."""
NO_JAVA = (
    "Java, in which Spark's driver runs, has ended, most likely because memory ran out, unless somebody stopped it: "
    "raise spark.driver.memory, or run fewer tasks at once (spark.master: local[2]); finished products are kept"
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
        if (stop := interruption_in(error)) is not None:
            raise type(stop)(*stop.args) from error
        is_gone = isinstance(error, JAVA_GONE) or NO_CLASSES.search(str(error))
        translated = MachineError(NO_JAVA) if is_gone else translate(str(error))
        if translated is None:
            raise
        raise translated from error


def translate(report: str) -> LeadtermError | None:
    """Find the cause in the text of a Spark exception; None if it is not known."""
    raised = RAISED.findall(report)
    if raised:
        name, message = raised[-1]
        return getattr(errors, name, LeadtermError)(message.strip())
    for pattern, message in MACHINE:
        if pattern.search(report):
            return MachineError(message)
    if stores := STORE.findall(report):
        return unreachable("the object store", OSError(stores[-1]))
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
