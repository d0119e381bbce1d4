"""What Spark reports, as it was met in Spark 4.1 to 4.3, becomes one error in plain words."""

import errno

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from leadterm.errors import CountOverflowError, InputError, LeadtermError, MachineError, RunError
from leadterm.spark.translate_errors import file_name, readable_errors, root_cause, translate

DAMAGED = """An error occurred while calling o1374.getResult.
: org.apache.spark.SparkException: Exception thrown in awaitResult:
\tat org.apache.spark.util.SparkThreadUtils$.awaitResult(SparkThreadUtils.scala:53)
Caused by: org.apache.spark.SparkException: [FAILED_READ_FILE.NO_HINT] Encountered error while reading file \
file:///data/a%20b.parquet.  SQLSTATE: KD001
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.cannotReadFilesError(QueryExecutionErrors.scala:886)
Caused by: java.io.IOException: can not read class org.apache.parquet.format.PageHeader: don't know what type: 15
\tat org.apache.parquet.format.Util.read(Util.java:391)
Caused by: shaded.parquet.org.apache.thrift.protocol.TProtocolException: don't know what type: 15
\t... 60 more
"""
WORKER = """An error occurred while calling o2430.getResult.
: org.apache.spark.SparkException: Exception thrown in awaitResult:
Caused by: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 12.0 failed 1 times, \
most recent failure: Lost task 0.0 in stage 12.0 (TID 12) (192.0.2.2 executor driver): \
org.apache.spark.SparkException: Python worker exited unexpectedly (crashed).
Caused by: java.io.EOFException
"""
PYTHON = """An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "/lib/leadterm/pipeline/count_cooccurrences/task.py", line 71, in __call__
    raise RunError(f"{self.folder} is damaged") from error
leadterm.errors.{name}: {message}

During handling of the above exception, another exception occurred:
"""


def test_a_damaged_file_is_named_with_the_innermost_cause():
    error = translate(DAMAGED)
    assert type(error) is InputError
    assert str(error) == (
        "cannot read /data/a b.parquet, which is damaged (don't know what type: 15). Repair it or leave it out."
    )


@pytest.mark.parametrize("kind", [InputError, RunError, CountOverflowError, MachineError, LeadtermError])
def test_an_error_of_ours_comes_back_as_it_was(kind):
    error = translate(PYTHON.replace("{name}", kind.__name__).replace("{message}", "in /a: it is 5: bad"))
    assert type(error) is kind
    assert str(error) == "in /a: it is 5: bad"


def test_the_last_of_several_errors_of_ours_counts():
    first, last = (PYTHON.replace("{name}", "InputError").replace("{message}", text) for text in ("first", "last"))
    assert str(translate(first + last)) == "last"


@pytest.mark.parametrize(
    ("report", "start"),
    [
        ("java.io.IOException: No space left on device", "a disk is full: free space where"),
        ("OSError: [Errno 122] Disk quota exceeded: '/a'", "a disk is full: free space where"),
        (
            "Caused by: java.lang.OutOfMemoryError: Java heap space",
            "Java ran out of memory: raise spark.executor.memory",
        ),
        (WORKER, "an executor or its Python was killed, most likely because memory ran out: lower counting.memory_per"),
        ("ExecutorLostFailure (executor 1 exited caused by ...)", "an executor or its Python was killed"),
    ],
)
def test_what_the_machine_lacks(report, start):
    error = translate(report)
    assert type(error) is MachineError
    assert str(error).startswith(start)


def test_what_is_not_known_passes_unchanged():
    assert translate("org.apache.spark.SparkException: something new") is None
    unknown = PySparkException("something new")
    with pytest.raises(PySparkException) as caught, readable_errors():
        raise unknown
    assert caught.value is unknown
    with pytest.raises(FileNotFoundError), readable_errors():
        raise FileNotFoundError(errno.ENOENT, "no such file")
    with pytest.raises(ZeroDivisionError), readable_errors():
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", [PySparkException, Py4JError, lambda text: OSError(errno.ENOSPC, text)])
def test_the_block_raises_what_was_found_and_keeps_the_cause(kind):
    cause = kind("No space left on device")
    with pytest.raises(MachineError) as caught, readable_errors():
        raise cause
    assert caught.value.__cause__ is cause


@pytest.mark.parametrize(
    ("report", "cause"),
    [
        (
            ': org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme "foo"\n\tat a',
            'No FileSystem for scheme "foo"',
        ),
        ("java.net.UnknownHostException: nohost", "nohost"),
        ("plain words.", "plain words"),
        ("", "unknown cause"),
        (DAMAGED, "don't know what type: 15"),
    ],
)
def test_the_root_cause_is_told_without_java_names(report, cause):
    assert root_cause(report) == cause


def test_files_are_named_as_users_name_them():
    assert file_name("file:/a/b%20c%2520.parquet") == "/a/b c%20.parquet"
    assert file_name("file:///a/b.parquet") == "/a/b.parquet"
    assert file_name("s3a://bucket/a%20b.parquet") == "s3a://bucket/a%20b.parquet"


def test_ctrl_c_stays_ctrl_c_though_a_cancelled_job_is_reported():
    with pytest.raises(KeyboardInterrupt), readable_errors():
        try:
            raise KeyboardInterrupt
        finally:
            try:
                raise Py4JError("[SPARK_JOB_CANCELLED] Job 4 cancelled as part of cancellation of all jobs")
            except Py4JError:
                raise PySparkException("cancelled") from None


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        Py4JNetworkError("Answer is empty"),
        Py4JError("py4j.reflection does not exist in the JVM"),
    ],
)
def test_a_java_that_has_ended_is_told_as_such(error):
    expected = r"Java, in which Spark's driver runs, has ended, .*: raise spark\.driver\.memory"
    with pytest.raises(MachineError, match=expected), readable_errors():
        raise error
