"""Looks at every input file before the work starts: is it there, whole, of the right type, and what is its hash?"""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.progress import titled
from leadterm.spark.dealing import deal, run_tasks
from leadterm.spark.elsewhere import look_through_spark
from leadterm.spark.failures import file_name, root_cause
from leadterm.spark.progress import described
from leadterm.spark.rules import JsonRule, ParquetRule
from leadterm.store.location import Location

FILES_PER_TASK = 64
SHOWN = 5
"""How many broken files a message lists."""
REPORT = pa.schema(
    [
        ("path", pa.string()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("modified", pa.int64()),
        ("rows", pa.int64()),
        ("column", pa.list_(pa.string())),
        ("problem", pa.string()),
    ]
)
"""What a task says of a file."""


def list_files(session: SparkSession, paths: Sequence[str]) -> list[str]:
    """List the files that lie at paths, and in all folders below them, as Spark sees them.

    Parameters
    ----------
    session
        Spark.
    paths
        Files, folders, globs or URLs.

    Returns
    -------
    list of str
        URLs, sorted, each once.

    Raises
    ------
    InputError
        Names the path at which there is nothing, or which Spark cannot open.
    """
    reader = session.read.option("recursiveFileLookup", "true")
    files: set[str] = set()
    for path in paths:
        try:
            with described(session, titled("list the input files")):  # More than 32 folders are a job of Spark's own.
                found = reader.text(path).inputFiles()
        except (PySparkException, Py4JError) as error:
            raise InputError(_why_not(path, error)) from error
        if not found:
            raise InputError(f"the folder {path} holds no file. Check corpus.paths in the config.")
        files.update(found)
    refuse_circles(files)
    return sorted(files)


def refuse_circles(files: Iterable[str]) -> None:
    """Refuse files that are listed again and again because a link leads back to a folder that it lies in.

    Raises
    ------
    InputError
        Names the link.
    """
    folders: dict[str, None] = {}
    for file in files:
        folder = file_name(file).rpartition("/")[0] if file.startswith("file:") else ""
        while folder and folder not in folders:
            folders[folder] = None
            folder = folder.rpartition("/")[0]
    seen: dict[str, str] = {}
    for folder in sorted(folders, key=len):
        first = seen.setdefault(os.path.realpath(folder), folder)
        if folder.startswith(f"{first}/"):
            raise InputError(
                f"{folder} is a link to {first}, in which it lies: its files would be read again and again. Remove the "
                "link, or name the folders beside it in corpus.paths."
            )


def _why_not(path: str, error: Exception) -> str:
    """Say why a path cannot be listed."""
    if isinstance(error, PySparkException) and error.getCondition() == "PATH_NOT_FOUND":
        place = (error.getMessageParameters() or {}).get("path", path).removeprefix("file:")
        start = "" if place == path else f" (Spark looked for {place})"
        return f"there is no such path: {path}{start}. Check corpus.paths in the config."
    hint = "Hadoop calls it s3a://. " if path.startswith("s3://") else ""
    return (
        f"Spark cannot open {path}: {root_cause(error)}. {hint}Check corpus.paths; for a cloud's storage give Spark "
        "its connector (spark.jars.packages)."
    )


def inspect_files(
    session: SparkSession, files: Sequence[str], rule: ParquetRule | JsonRule, *, may_be_empty: bool = False
) -> tuple[pa.Table, tuple[str, ...]]:
    """Hash all files on the executors, and look into each one.

    Parameters
    ----------
    session
        Spark.
    files
        URLs, as Spark lists them.
    rule
        What each must hold.
    may_be_empty
        Whether all files may be without a row.

    Returns
    -------
    sources
        One row per file in order of ``path``: path string, bytes int64, sha256 string, rows int64 (null where the
        format does not say). Where only Spark opens a file, ``modified`` (milliseconds since 1970) instead of a hash.
    column
        The column of documents: its name, or the names on the way down to a nested one.

    Raises
    ------
    InputError
        Names the files that are broken, and what is wrong with each; or says that all are empty.
    """

    def inspect(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [inspect_file(path, rule) for path in batch["place"].to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=REPORT)

    tasks = max(1, min(len(files), max(session.sparkContext.defaultParallelism, len(files) // FILES_PER_TASK)))
    dealt = deal(pa.RecordBatch.from_pydict({"place": files}), np.arange(len(files)) % tasks)
    found = run_tasks(session, "look at the input files", dealt, inspect, REPORT).sort_by("path")
    if len(found.filter(pc.field("bytes").is_null() & pc.field("problem").is_null())):
        found = pa.Table.from_pylist(look_through_spark(session, found.to_pylist(), rule), schema=REPORT)
    refuse_broken(found)
    sources = found.drop_columns(["column", "problem"])
    with_rows = pc.field("rows").is_null() | (pc.field("rows") > 0)
    is_empty = not len(found.filter(pc.field("column").is_valid() & with_rows))
    return sources, (rule.column,) if may_be_empty and is_empty else _common_column(found)


def inspect_file(path: str, rule: ParquetRule | JsonRule) -> dict[str, Any]:
    """Hash one file and look into it; gives a row of :data:`REPORT`."""
    report: dict[str, Any] = dict.fromkeys(REPORT.names) | {"path": path}
    try:
        place = Location.of(path)
        found = rule.check(place)
        report |= {"rows": found.rows, "column": found.column}
        report["bytes"] = place.filesystem.get_file_info(place.path).size
        report["sha256"] = place.sha256(rule.watch(place))
    except UnknownFilesystemError:
        pass  # Spark may know it: see elsewhere.look_through_spark.
    except InputError as error:
        report["problem"] = str(error)
    except OSError as error:
        report["problem"] = f"it cannot be read ({error}). Repair it or leave it out."
    return report


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


def _common_column(reports: pa.Table) -> tuple[str, ...]:
    """Take the column of documents, which lies at the same place in all files that are not empty."""
    known = reports.filter(pc.field("column").is_valid())
    if not len(known) or pc.all(pc.equal(reports["rows"], 0), skip_nulls=False).as_py():
        raise InputError(
            f"the corpus is empty: its {len(reports)} files hold no row. Check corpus.paths in the config."
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
