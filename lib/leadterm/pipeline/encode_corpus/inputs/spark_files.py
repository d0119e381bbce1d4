"""Input files on filesystems that Spark opens and pyarrow does not, read with Spark's own readers.

Such a file cannot be hashed here: its length and time of change stand in for its hash. Its footer, or its first lines,
are checked all the same, a file at a time; lines come as lines and are read as those of other files.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from leadterm.errors import InputError
from leadterm.reading import JsonRule, Rule
from leadterm.reading.column_format import OtherRule
from leadterm.reading.document_column import NullTextError, check_documents
from leadterm.reading.format_checks import SAMPLED_LINES
from leadterm.reading.json_documents import JsonReader
from leadterm.reading.read_documents import LINE_REMEDY, DocumentsFunction, batch_of
from leadterm.spark.task_progress import described
from leadterm.spark.translate_errors import readable_errors
from leadterm.telemetry.progress import titled

LOOKING = "inspect the input files through Spark"
NOT_UNPACKED = re.compile(r".*\.(lz4|zstd?|xz|lzma|snappy|deflate|br|zip|lzo|z|7z)", re.IGNORECASE)
"""Names of compressed files that Spark's reader of lines takes for others, or for empty ones."""
NOT_BLANK = "value RLIKE '[^ \\t]'"


def look_through_spark(session: SparkSession, reports: Sequence[dict[str, Any]], rule: Rule) -> list[dict[str, Any]]:
    """Complete the reports of files that no executor could open by itself: length, time of change, rows, column."""
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
    listed = session.read.format("binaryFile").load([as_path(path) for path in files]).select(*columns)
    with readable_errors(), described(session, titled(LOOKING)):
        return listed.collect()


def _look(session: SparkSession, file: Any, rule: Rule) -> dict[str, Any]:
    """Check one file's column with Spark, and count its records."""
    report: dict[str, Any] = {"bytes": file.length, "modified": file.modified}
    path = as_path(file.path)
    try:
        with readable_errors(), described(session, titled(LOOKING)):
            if isinstance(rule, OtherRule):
                raise InputError("where only Spark can open files, only Parquet and JSON are read. Copy it elsewhere.")
            if not isinstance(rule, JsonRule):
                frame = session.read.parquet(path)
                return report | {"column": rule.find(to_arrow_schema(frame.schema)), "rows": frame.count()}
            if NOT_UNPACKED.fullmatch(file.path):
                raise InputError(
                    "Spark does not decompress files with this name. Compress it with gzip, or leave it out."
                )
            lines = session.read.text(path).where(NOT_BLANK)
            first = [row.value for row in lines.select(F.col("value").cast("binary")).limit(SAMPLED_LINES).collect()]
            return report | {"column": rule.find_in(list(enumerate(map(bytes, first), 1))), "rows": lines.count()}
    except InputError as error:
        return report | {"problem": str(error)}


def as_path(url: str) -> str:
    """Write a file's URL as a path that Spark takes for this file alone, not for a pattern."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", unquote(url))


def frame_of(
    rows: DataFrame,
    numbers: Mapping[str, int],
    rule: Rule,
    work: DocumentsFunction,
    made: pa.Schema,
    vocabulary_size: int | None,
) -> DataFrame:
    """Describe what comes of the documents in rows of a DataFrame; see `Documents.mapped`.

    Parameters
    ----------
    rows
        The rows (document, path, row).
    numbers
        The row of each path in the product ``sources``.
    rule, work, made, vocabulary_size
        See there.
    """
    reading = FrameReading(rule, work, {unquote(url): number for url, number in numbers.items()}, vocabulary_size)
    return rows.mapInArrow(reading, from_arrow_schema(made))


def rows_of(session: SparkSession, files: Sequence[str], rule: Rule) -> DataFrame:
    """Read files that only Spark opens, by their URLs, in rows (document, path, row)."""
    paths = [as_path(file) for file in files]
    if isinstance(rule, JsonRule):
        raw = session.read.text(paths).where(NOT_BLANK)
        document, row = F.col("value").cast("binary"), F.lit(None).cast("long")
    else:
        # Bytes that changed on the way are found where the writer left checksums.
        reader = session.read.option("parquet.page.verify-checksum.enabled", "true")
        raw = reader.schema(_schema(session, paths[0], rule)).parquet(*paths)
        document, row = F.col(f"`{rule.path[0].replace('`', '``')}`"), F.col("_metadata.row_index")
    return raw.select(document.alias("document"), F.col("_metadata.file_path").alias("path"), row.alias("row"))


def _schema(session: SparkSession, path: str, rule: Rule) -> T.StructType:
    """Describe the one column; where texts of lists are joined, as a file has it."""
    if rule.join is not None:
        return T.StructType([session.read.parquet(path).schema[rule.path[0]]])
    leaf = T.ArrayType(T.LongType()) if rule.is_ids else T.StringType()
    *parents, name = rule.path
    schema = T.StructType([T.StructField(name, leaf)])
    return reduce(lambda kind, parent: T.StructType([T.StructField(parent, kind)]), reversed(parents), schema)


@dataclass(frozen=True)
class FrameReading:
    """Takes documents out of rows of a DataFrame and works on them; travels to the executors.

    Attributes
    ----------
    rule, work, vocabulary_size
        See `leadterm.reading.Reading`.
    numbers
        The row of each file in the product ``sources``, by its address without escapes.
    """

    rule: Rule
    work: DocumentsFunction
    numbers: Mapping[str, int]
    vocabulary_size: int | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Take batches (document, path, row)."""
        return self.work(part for batch in batches for part in self._parts(batch))

    def _parts(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Give the documents of each file by themselves."""
        for path in pc.unique(batch.column(1)).to_pylist():
            mine = batch.filter(pc.equal(batch.column(1), path))
            documents, replaced = self._documents(mine.column(0), unquote(path))
            where = f"{unquote(path)}, {self.rule.row_name}"
            check_documents(documents, mine.column(2), where, self.vocabulary_size)
            yield batch_of(documents, self.numbers[unquote(path)], mine.column(2), replaced)

    def _documents(self, found: Any, path: str) -> tuple[Any, int]:
        """Read lines, or take documents as they are."""
        if not isinstance(self.rule, JsonRule):
            batch = pa.RecordBatch.from_arrays([found], names=[self.rule.path[0]])
            try:
                return self.rule.documents(batch, self.rule.path), 0
            except NullTextError as error:
                raise InputError(f"{path}: {error}. Correct it or leave the file out.") from error
        reader = JsonReader(self.rule, self.rule.replaces_surrogates)
        try:
            values = [reader.document(line, self.rule.path) for line in found.to_pylist()]
        except InputError as error:
            raise InputError(f"{path}: a line of it: {error}. {LINE_REMEDY}") from error
        return pa.array(values, self.rule.documents_type), reader.replaced
