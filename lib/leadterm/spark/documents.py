"""Opens a corpus as a DataFrame of documents: checked, hashed, and cut to the first so many if asked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.spark.failures import readable_errors
from leadterm.spark.inputs import ColumnRule, inspect_files
from leadterm.spark.progress import progress

CORRUPT = "_leadterm_corrupt"
SAMPLED_LINES = 100
"""JSON lines looked at before the start."""
ORDER = ("path", "block", "place")
"""What orders documents: their file, the part of it that a task reads, and their place in that part."""


@dataclass(frozen=True)
class Documents:
    """A corpus, opened.

    Attributes
    ----------
    frame
        One row per document: ``document`` (string, or array of integers), ``corrupt`` (the line that is not JSON,
        else null) and ``path`` (its file).
    sources
        Its files in order of path: path, bytes, sha256, rows (null where the format does not say).
    """

    frame: DataFrame
    sources: pa.Table


def open_documents(session: SparkSession, corpus: CorpusSection) -> Documents:
    """Open the documents of a corpus.

    Raises
    ------
    InputError
        If a path, a column or a file is missing or broken, or if there is no document; names it.
    """
    with readable_errors():
        raw = _read(session, corpus, corpus.paths)
        files = sorted(raw.inputFiles())
    if not files:
        raise InputError(
            f"no file lies at {', '.join(corpus.paths)}. Check corpus.paths and corpus.format in the config."
        )
    rule = None
    if corpus.format == "parquet":
        rule = ColumnRule(resolve_column(raw.schema, _column(corpus)), is_ids=corpus.ids_column is not None)
    sources = inspect_files(session, files, rule)
    if rule is not None and sum(sources["rows"].to_pylist()) == 0:
        raise InputError(f"the corpus is empty: its {len(files)} files hold no row")
    if corpus.max_documents is None:
        return Documents(_documents(raw, corpus).drop(*ORDER[1:]), sources)
    with readable_errors(), progress(session, f"find the first {corpus.max_documents:,} documents"):
        return Documents(_first_documents(session, corpus, files).drop(*ORDER[1:]), sources)


def _column(corpus: CorpusSection) -> str:
    """Name the column that holds the documents."""
    return corpus.ids_column or corpus.text_column or ""


def _documents(raw: DataFrame, corpus: CorpusSection) -> DataFrame:
    """Select the documents of what a reader gives, with the keys that order them."""
    return raw.select(
        _document(raw.schema, _column(corpus)).alias("document"),
        (F.col(CORRUPT) if CORRUPT in raw.columns else F.lit(None).cast("string")).alias("corrupt"),
        F.col("_metadata.file_path").alias("path"),
        F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("place"),
    )


def resolve_column(schema: T.StructType, column: str) -> tuple[str, ...]:
    """Find a column by its name, or by its dotted path through structs.

    Raises
    ------
    InputError
        Lists the columns there are.
    """
    if column in schema.names:
        return (column,)
    path = column.split(".")
    kind: T.DataType = schema
    for name in path:
        if not isinstance(kind, T.StructType) or name not in kind.names:
            columns = ", ".join(f"{field.name} ({field.dataType.simpleString()})" for field in schema.fields)
            raise InputError(f"the corpus has no column '{column}'. It has: {columns}. Name one in corpus.text_column.")
        kind = kind[name].dataType
    return tuple(path)


def _document(schema: T.StructType, column: str) -> Column:
    """Select the column of documents, nested or not."""
    first, *rest = resolve_column(schema, column)
    return reduce(lambda found, name: found.getField(name), rest, F.col(f"`{first}`"))


def _read(session: SparkSession, corpus: CorpusSection, paths: Sequence[str]) -> DataFrame:
    """Open files with Spark's reader of their format."""
    if corpus.format == "parquet":
        return session.read.parquet(*paths)
    _check_json(session, paths, _column(corpus))
    leaf: T.DataType = T.ArrayType(T.LongType()) if corpus.ids_column else T.StringType()
    *parents, name = _column(corpus).split(".")
    schema = T.StructType([T.StructField(name, leaf)])
    for parent in reversed(parents):
        schema = T.StructType([T.StructField(parent, schema)])
    schema = T.StructType([*schema.fields, T.StructField(CORRUPT, T.StringType())])
    return session.read.schema(schema).option("columnNameOfCorruptRecord", CORRUPT).json(list(paths))


def _check_json(session: SparkSession, paths: Sequence[str], column: str) -> None:
    """Look at the first lines: are they JSON objects with the column?

    Raises
    ------
    InputError
        Shows the line that is no JSON, or the keys that are there instead of the column.
    """
    lines = [row.value for row in session.read.text(list(paths)).limit(SAMPLED_LINES).collect() if row.value.strip()]
    if not lines:
        raise InputError(f"the corpus is empty: {', '.join(paths)} hold no line")
    keys: set[str] = set()
    for line in lines:
        try:
            value: Any = json.loads(line)
        except ValueError as error:
            raise InputError(f"{paths[0]} is not JSON lines ({error}): {line[:80]!r}") from error
        keys |= value.keys() if isinstance(value, dict) else set()
        for name in column.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return
    raise InputError(f"no column '{column}' in the first {len(lines)} lines; their keys: {', '.join(sorted(keys))}")


def _first_documents(session: SparkSession, corpus: CorpusSection, files: Sequence[str]) -> DataFrame:
    """Keep the documents up to the ``max_documents``-th eligible one, in order of path and place in the file.

    Files are read in growing prefixes of that order until enough documents are found, and only the order's keys are
    kept of them; so a small sample of a large corpus costs little, and does not depend on how Spark splits files.
    """
    wanted, n_files = corpus.max_documents or 0, 1
    while True:
        prefix = _documents(_read(session, corpus, [unquote(file) for file in files[:n_files]]), corpus)
        found = prefix.where(_is_eligible(corpus)).select(*ORDER).orderBy(*ORDER).limit(wanted).toArrow()
        if len(found) == wanted or n_files == len(files):
            break
        n_files = min(4 * n_files, len(files))
    if len(found) < wanted:
        return prefix
    last = found.slice(wanted - 1).to_pylist()[0]
    return prefix.where(F.struct(*ORDER) <= F.struct(*(F.lit(last[name]).alias(name) for name in ORDER)))


def _is_eligible(corpus: CorpusSection) -> Column:
    """Say of a document whether it is there and within the limits; as ``encoding.is_eligible``, in Spark's terms."""
    if corpus.ids_column is not None:
        return F.size("document") > 0
    return F.length("document").between(max(1, corpus.min_characters), corpus.max_characters)
