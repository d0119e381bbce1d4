"""Starts Spark, or joins the one that spark-submit started, with settings that suit Arrow batches."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from leadterm.spark.java import find_java

Session = SparkSession
"""For rooms that pass a session on, and know nothing else of Spark."""

ENDING_SECONDS = 10.0
"""For tasks of a job that failed to end: Spark kills a worker 2 s after it has told it to stop."""

DEFAULTS: dict[str, str] = {
    # Batches by bytes: documents differ in length by orders of magnitude.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(16 * 2**20),
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    # A split of compressed text takes a tokenizer half a minute: no core waits long for the last one.
    "spark.sql.files.maxPartitionBytes": str(16 * 2**20),
    # Opening a file costs some milliseconds, not what 4 MB take: a million small files are 16,000 tasks, not 250,000.
    "spark.sql.files.openCostInBytes": str(2**18),
    # Texts that Java unpacks at once; by default 4,096, which are gigabytes where they are books.
    "spark.sql.parquet.columnarReaderBatchSize": "32",
    # A file may hold both "text" and "Text".
    "spark.sql.caseSensitive": "true",
    "spark.ui.showConsoleProgress": "false",
}
"""Properties that apply where neither spark-submit nor the config set them."""

LOCAL_DEFAULTS: dict[str, str] = {
    # A corpus for one machine is small: smaller splits, so that its cores end together, and as many files in each.
    "spark.sql.files.maxPartitionBytes": str(4 * 2**20),
    "spark.sql.files.openCostInBytes": str(2**16),
    "spark.driver.memory": "4g",
    "spark.ui.enabled": "false",
    "spark.python.daemon.module": "leadterm.spark.daemon",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # Java's own work is short: its second compiler takes longer than it saves.
    "spark.driver.extraJavaOptions": (
        f"-XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}"
    ),
}
"""Properties for a driver that is its own cluster: its heap holds the shuffle too."""


def start_session(name: str, properties: Mapping[str, object] | None = None) -> SparkSession:
    """Start or join a Spark session.

    Parameters
    ----------
    name
        What the cluster's pages show.
    properties
        Spark properties of the config; those that spark-submit was given, and those of a session that runs already,
        win over them.

    Returns
    -------
    SparkSession
        No master is set here: spark-submit's, the config's, or ``local[*]`` where there is none.

    Raises
    ------
    MachineError
        If there is no Java that Spark can use.
    """
    asked = {key: _text(value) for key, value in (properties or {}).items()}
    given = _given_properties()
    if SparkContext._jvm is None:
        os.environ["JAVA_HOME"] = str(find_java())
    is_local = {**asked, **given}.get("spark.master", "local").startswith("local")
    if is_local:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    wanted = {**DEFAULTS, **(LOCAL_DEFAULTS if is_local else {}), **asked}
    missing = {key: value for key, value in wanted.items() if key not in given}
    _start_java(missing)
    builder = SparkSession.builder.appName(name)
    for key, value in missing.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _start_java(properties: Mapping[str, str]) -> None:
    """Start the driver's Java where none runs, in a thread, which goes on though this one is interrupted.

    A Java whose start PySpark breaks off half-way stays for ever. One that has started ends with this process, which
    waits for the thread.
    """
    if SparkContext._jvm is not None:
        return
    conf = SparkConf()
    for key, value in properties.items():
        conf.set(key, value)
    pool = ThreadPoolExecutor(1)
    try:
        pool.submit(SparkContext._ensure_initialized, conf=conf).result()
    finally:
        pool.shutdown(wait=False)


@contextmanager
def spark_session(name: str, properties: Mapping[str, object] | None = None) -> Iterator[SparkSession]:
    """Start a session for a block, or join the one that runs already, which then goes on after the block."""
    joined = SparkSession.getActiveSession() is not None
    session = start_session(name, properties)
    try:
        yield session
    except BaseException:
        if not joined:
            with suppress(Py4JError, OSError):
                let_tasks_end(session)
        raise
    finally:
        if not joined:
            with suppress(Py4JError, OSError):  # Java may be gone, of which the block's own error tells.
                session.stop()


def let_tasks_end(session: SparkSession) -> None:
    """Wait until no task of this machine's own Spark runs any more, or for some seconds, before Java goes.

    Where a job failed or was cancelled, Spark still ends its other tasks. A Python worker that is just being forked
    ignores the signal by which PySpark's daemon ends its workers; it then writes to a Java that has gone, and PySpark
    shows its traceback on the terminal, a BrokenPipeError after the message of the job. On a cluster it is in the
    executor's own log.
    """
    if not str(session.sparkContext.master).startswith("local"):
        return
    end = time.monotonic() + ENDING_SECONDS
    while time.monotonic() < end and _active_tasks(session):
        time.sleep(0.1)


def _active_tasks(session: SparkSession) -> int:
    """Count the tasks that run now."""
    executors: Any = session.sparkContext._jsc.sc().statusStore().executorList(True)
    return sum(int(executors.apply(number).activeTasks()) for number in range(executors.size()))


def _given_properties() -> dict[str, str]:
    """Properties that are set already: by a session that runs in this process, or by spark-submit."""
    active = SparkSession.getActiveSession()
    if active is not None:
        return dict(active.sparkContext.getConf().getAll()) | active.conf.getAll
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return {}
    SparkContext._ensure_initialized()  # Joins spark-submit's Java, whose properties SparkConf then sees.
    return dict(SparkConf().getAll())


def _text(value: object) -> str:
    """Write a property's value as Spark reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
