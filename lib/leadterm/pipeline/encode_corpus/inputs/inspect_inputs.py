"""Lists the input files, and looks at every one before the work starts: is it whole, of the right type, its hash?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.pipeline.encode_corpus.inputs.spark_files import look_through_spark
from leadterm.reading import INSPECTION, Listing, Rule, inspect_file, list_corpus
from leadterm.reading.hub_datasets import pin_revisions
from leadterm.reading.read_documents import with_path
from leadterm.reading.table_roots import refuse_table_roots
from leadterm.spark.task_progress import described
from leadterm.spark.tasks import assign, run_tasks
from leadterm.spark.translate_errors import file_name, root_cause
from leadterm.telemetry.progress import titled

FILES_PER_TASK = 64
SHOWN = 5
"""How many broken files a message lists."""
NOT_SOURCES = ("column", "parts", "problem")
"""What a report says of a file that the product ``sources`` does not."""


@dataclass
class Files:
    """The files of a corpus.

    Attributes
    ----------
    addresses
        URLs, sorted, each once.
    left_out
        Those in folders that are not read.
    """

    addresses: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def list_files(session: SparkSession, paths: Sequence[str]) -> Files:
    """List the files that lie at paths, and in all folders below them.

    Parameters
    ----------
    session
        Spark, for filesystems that only it opens.
    paths
        Files, folders, patterns or URLs; see `leadterm.reading.list_corpus`.

    Raises
    ------
    InputError
        Names the path at which there is nothing, or which Spark cannot open; or a file of a table.
    """
    here, elsewhere = Listing(), set()
    for path in pin_revisions(paths):
        try:
            found = list_corpus([path], may_be_tables=True)
        except UnknownFilesystemError as error:
            elsewhere.update(_list_through_spark(session, path, error))
        else:
            here.files |= found.files
            here.passed_over |= found.passed_over
    refuse_table_roots(here.files)
    return Files(sorted(here.files.keys() | elsewhere), here.left_out)


def _list_through_spark(session: SparkSession, path: str, reason: Exception) -> list[str]:
    """List files as Spark sees them."""
    try:
        with described(session, titled("list the input files")):  # More than 32 folders are a job of Spark's own.
            found = session.read.option("recursiveFileLookup", "true").text(path).inputFiles()
    except (PySparkException, Py4JError) as error:
        raise InputError(_why_not(path, error, reason)) from error
    if not found:
        raise InputError(f"the folder {path} contains no files. Check corpus.paths in the config.")
    return list(found)


def _why_not(path: str, error: Exception, reason: Exception) -> str:
    """Say why a path cannot be listed."""
    if isinstance(error, PySparkException) and error.getCondition() == "PATH_NOT_FOUND":
        return f"there is no such path: {path}. Check corpus.paths in the config."
    return (
        f"{str(reason).rstrip('.')}. Spark cannot read it either: {root_cause(error)}. Check corpus.paths; for cloud "
        "storage that only Spark can open, install its connector (spark.jars.packages)."
    )


@dataclass(frozen=True)
class Inspected:
    """What was seen of the files of a corpus.

    Attributes
    ----------
    sources
        One row per file in order of ``path``: path string, bytes int64, sha256 string, modified int64, rows int64,
        version string. Where only Spark opens a file, ``modified`` (milliseconds since 1970) instead of a hash.
    parts
        Of each of them, what is read at once; null where only Spark opens it.
    rule
        What they hold, and how the column is reached.
    """

    sources: pa.Table
    parts: pa.ChunkedArray
    rule: Rule


def inspect_files(session: SparkSession, files: Sequence[str], rule: Rule, *, may_be_empty: bool = False) -> Inspected:
    """Hash all files on the executors, and look into each one.

    Parameters
    ----------
    session
        Spark.
    files
        URLs.
    rule
        What each must hold.
    may_be_empty
        Whether all files may be without a row.

    Raises
    ------
    InputError
        Names the files that are broken, and what is wrong with each; or says that all are empty.
    """

    def inspect(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [inspect_file(path, rule) for path in batch["place"].to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=INSPECTION)

    tasks = max(1, min(len(files), max(session.sparkContext.defaultParallelism, len(files) // FILES_PER_TASK)))
    assigned = assign(pa.RecordBatch.from_pydict({"place": files}), np.arange(len(files)) % tasks)
    found = run_tasks(session, "inspect the input files", assigned, inspect, INSPECTION).sort_by("path")
    if len(found.filter(pc.field("bytes").is_null() & pc.field("problem").is_null())):
        found = pa.Table.from_pylist(look_through_spark(session, found.to_pylist(), rule), schema=INSPECTION)
    refuse_broken(found)
    column = _common_column(found, rule, may_be_empty=may_be_empty)
    return Inspected(found.drop_columns(list(NOT_SOURCES)), found["parts"], with_path(rule, column))


def refuse_broken(reports: pa.Table) -> None:
    """Raise an error that names the broken files, if there are any.

    Raises
    ------
    InputError
        Names five of them.
    """
    broken = reports.filter(pc.field("problem").is_valid())
    if not len(broken):
        return
    lines = [f"{file_name(row['path'])}: {row['problem']}" for row in broken.slice(0, SHOWN).to_pylist()]
    more = [f"and {len(broken) - SHOWN} more"] if len(broken) > SHOWN else []
    gap = "\n  " if len(broken) > 1 else " "
    listed = gap.join(["", *lines, *more])
    raise InputError(f"{len(broken)} of {len(reports)} input files cannot be used:{listed}")


def _common_column(reports: pa.Table, rule: Rule, *, may_be_empty: bool) -> tuple[str, ...]:
    """Take the column of documents, which lies at the same place in all files that are not empty."""
    known = reports.filter(pc.field("column").is_valid())
    if not len(known) or pc.all(pc.equal(reports["rows"], 0), skip_nulls=False).as_py():
        if may_be_empty:
            return (rule.column,)
        raise InputError(
            f"the corpus is empty: its {len(reports)} files contain no rows. Check corpus.paths in the config."
        )
    joined = pc.binary_join(known["column"], "\0")
    places = {text: known["path"][joined.index(text).as_py()].as_py() for text in joined.unique().to_pylist()}
    if len(places) > 1:
        (one, first), (other, second), *_ = ((text.split("\0"), path) for text, path in places.items())
        raise InputError(
            f"the column '{'.'.join(one)}' has {len(one)} levels in {file_name(first)} and {len(other)} in "
            f"{file_name(second)}. Read files of one layout at a time."
        )
    return tuple(next(iter(places)).split("\0"))


def all_splits(inspected: Inspected) -> list[dict[str, Any]]:
    """List the parts of all files that leadterm opens itself, as `leadterm.reading.SPLITS`."""
    rows = zip(inspected.sources["path"].to_pylist(), inspected.parts.to_pylist(), strict=True)
    return [
        {"source": number, "place": path, **part, "most": part["records"]}
        for number, (path, parts) in enumerate(rows)
        for part in parts or ()
        if part["records"]
    ]
