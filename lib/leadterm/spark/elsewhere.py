"""Looks at input files on filesystems that Spark opens and pyarrow does not, with Spark's own readers.

Such a file cannot be hashed here: its length and time of change stand in for its hash. Parquet's footers are still
checked, a file at a time, because Spark reads a schema from one file.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from leadterm.errors import InputError
from leadterm.progress import titled
from leadterm.spark.failures import readable_errors
from leadterm.spark.progress import described
from leadterm.spark.rules import SAMPLED_LINES, JsonRule, ParquetRule

LOOKING = "look at the input files through Spark"


def look_through_spark(
    session: SparkSession, reports: Sequence[dict[str, Any]], rule: ParquetRule | JsonRule
) -> list[dict[str, Any]]:
    """Complete the reports of files that no executor could open by itself: length, time of change, column."""
    unopened = [row["path"] for row in reports if row["bytes"] is None and row["problem"] is None]
    if not unopened:
        return list(reports)
    found = {row.path: row for row in _listed(session, unopened)}
    return [
        row | _look(session, found[path], rule) if (path := unquote(row["path"])) in found else row for row in reports
    ]


def list_through_spark(session: SparkSession, files: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Look at the length and time of change (milliseconds since 1970) of files that are there, by their URLs."""
    found = {row.path: (row.length, row.modified) for row in _listed(session, files)}
    return {file: found[unquote(file)] for file in files if unquote(file) in found}


def _listed(session: SparkSession, files: Sequence[str]) -> list[Any]:
    """List files with Spark."""
    columns = [F.col("path"), F.col("length"), F.unix_millis("modificationTime").alias("modified")]
    listed = session.read.format("binaryFile").load([unquote(path) for path in files]).select(*columns)
    with readable_errors(), described(session, titled(LOOKING)):
        return listed.collect()


def _look(session: SparkSession, file: Any, rule: ParquetRule | JsonRule) -> dict[str, Any]:
    """Check one file's column with Spark."""
    report: dict[str, Any] = {"bytes": file.length, "modified": file.modified}
    try:
        with readable_errors(), described(session, titled(LOOKING)):
            if isinstance(rule, JsonRule):
                lines = [row.value.encode() for row in session.read.text(file.path).limit(SAMPLED_LINES).collect()]
                return report | {"column": rule.find(lines)}
            return report | {"column": rule.find(to_arrow_schema(session.read.parquet(file.path).schema))}
    except InputError as error:
        return report | {"problem": str(error)}
