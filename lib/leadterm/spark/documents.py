"""Opens a corpus as a DataFrame of documents: checked, hashed, and cut to the first so many if asked."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import reduce
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from leadterm.config import CorpusSection
from leadterm.spark.failures import readable_errors
from leadterm.spark.inputs import inspect_files, list_files
from leadterm.spark.progress import progress
from leadterm.spark.rules import rule_of
from leadterm.spark.sources import content_of
from leadterm.spark.unchanged import Stamp, stamps_of, unchanged

CORRUPT = "_leadterm_corrupt"
ORDER = ("path", "block", "place")
"""What orders documents: their file, the part of it that a task reads, and their place in that part."""


@dataclass(frozen=True)
class Reader:
    """Reads documents out of files.

    Attributes
    ----------
    session
        Spark.
    corpus
        The format, and what the column holds.
    column
        The column's name, or the names on the way down to a nested one.
    """

    session: SparkSession
    corpus: CorpusSection
    column: tuple[str, ...]

    def documents(self, paths: Sequence[str]) -> DataFrame:
        """Read the documents that lie at paths, each file once, with the keys that order them."""
        raw = self._read(list(paths))
        first, *rest = self.column
        document = reduce(lambda found, name: found.getField(name), rest, F.col(f"`{first.replace('`', '``')}`"))
        return raw.select(
            self._cut(document).alias("document"),
            (F.col(CORRUPT) if CORRUPT in raw.columns else F.lit(None).cast("string")).alias("corrupt"),
            F.col("_metadata.file_path").alias("path"),
            F.col("_metadata.file_block_start").alias("block"),
            F.monotonically_increasing_id().alias("place"),
        )

    def _cut(self, document: Column) -> Column:
        """Cut a text that is too long to one character too many, as which it is dropped: it never comes to Python."""
        if self.corpus.ids_column is not None:
            return document
        longest = min(self.corpus.max_characters, 2**31 - 2)
        return F.when(F.octet_length(document) > longest, F.substring(document, 1, longest + 1)).otherwise(document)

    def _read(self, paths: list[str]) -> DataFrame:
        """Open files with Spark's reader of their format; the schema is given, so that no file decides it for all."""
        reader = self.session.read.option("recursiveFileLookup", "true")  # Folder names are no columns.
        if self.corpus.format == "parquet":
            # Bytes that changed on the way are found where the writer left checksums, as Spark does.
            return reader.option("parquet.page.verify-checksum.enabled", "true").schema(self._schema()).parquet(*paths)
        schema = T.StructType([*self._schema().fields, T.StructField(CORRUPT, T.StringType())])
        reader = reader.option("maxStringLen", 2**31 - 1)  # By default a text of 20 million characters is no JSON.
        return reader.schema(schema).option("columnNameOfCorruptRecord", CORRUPT).json(paths)

    def _schema(self) -> T.StructType:
        """Describe the one column."""
        leaf = T.ArrayType(T.LongType()) if self.corpus.ids_column else T.StringType()
        *parents, name = self.column
        schema = T.StructType([T.StructField(name, leaf)])
        return reduce(lambda kind, parent: T.StructType([T.StructField(parent, kind)]), reversed(parents), schema)


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
    reader
        How documents are read.
    stamps
        Length and time of change of each file before it was hashed, by the files' URLs in order.
    """

    frame: DataFrame
    sources: pa.Table
    reader: Reader
    stamps: Mapping[str, Stamp]

    def unchanged(self, files: Sequence[str] | None = None) -> AbstractContextManager[None]:
        """Refuse files, by default all, that change before the end of a block; see `leadterm.spark.unchanged`."""
        stamps = self.stamps if files is None else {file: self.stamps[file] for file in files}
        return unchanged(self.reader.session, self.sources, stamps)

    @property
    def is_limited(self) -> bool:
        """Whether only the first documents are read."""
        return self.reader.corpus.max_documents is not None

    def only(self, files: Sequence[str]) -> DataFrame:
        """Read the documents of some of the files."""
        return self.reader.documents([_as_path(file) for file in files]).drop(*ORDER[1:])

    def digest(self, files: Sequence[str]) -> str:
        """Hash what some of the files hold; one that could not be hashed stands by its path, length and change."""
        lines = [content_of(row) for row in self.sources.to_pylist() if row["path"] in set(files)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]

    def first(self, wanted: int | None) -> DataFrame:
        """Keep documents up to the ``wanted``-th eligible one, in order of path and place in the file; None: all.

        Raises
        ------
        InputError
            If a file is broken; names it.
        """
        rows = self.sources["rows"].to_pylist()
        at_most = (self.reader.corpus.max_documents, None if None in rows else sum(rows))
        if wanted is None or any(number is not None and number <= wanted for number in at_most):
            return self.frame
        return _first_documents(self.reader, list(self.stamps), wanted)


def open_documents(session: SparkSession, corpus: CorpusSection) -> Documents:
    """Open the documents of a corpus.

    Raises
    ------
    InputError
        If a path, a column or a file is missing or broken, or if there is no document; names it.
    """
    files = list_files(session, corpus.paths)
    stamps = stamps_of(session, files)
    sources, column = inspect_files(session, files, rule_of(corpus))
    reader = Reader(session, corpus, column)
    if corpus.max_documents is None:
        frame = reader.documents(corpus.paths).drop(*ORDER[1:])
    else:
        frame = _first_documents(reader, files, corpus.max_documents)
    return Documents(frame, sources, reader, stamps)


def documents_in(
    session: SparkSession,
    corpus: CorpusSection,
    sources: pa.Table,
    column: tuple[str, ...],
    stamps: Mapping[str, Stamp],
) -> Documents:
    """Open the documents of files that were looked at, and of no other."""
    reader, files = Reader(session, corpus, column), sources["path"].to_pylist()
    frame = reader.documents([_as_path(file) for file in files]).drop(*ORDER[1:])
    return Documents(frame, sources, reader, {file: stamps[file] for file in files})


def _as_path(url: str) -> str:
    """Write a file's URL as a path that Spark takes for this file alone, not for a glob."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", unquote(url))


def _first_documents(reader: Reader, files: Sequence[str], wanted: int) -> DataFrame:
    """Keep documents up to the ``wanted``-th eligible one, in order of path and place in the file.

    Files are read in growing prefixes of that order until enough documents are found, and only the order's keys are
    kept of them; so a small sample of a large corpus costs little, and does not depend on how Spark splits files.
    """
    n_files = 1
    with readable_errors(), progress(reader.session, f"find the first {wanted:,} documents"):
        while True:
            prefix = reader.documents([_as_path(file) for file in files[:n_files]])
            found = prefix.where(_is_eligible(reader.corpus)).select(*ORDER).orderBy(*ORDER).limit(wanted)
            # Only the last one comes to the driver, whose memory may not hold all that are wanted.
            first = found.agg(F.count("*").alias("number"), F.max(F.struct(*ORDER)).alias("last")).collect()[0]
            if first["number"] == wanted or n_files == len(files):
                break
            n_files = min(4 * n_files, len(files))
    if first["number"] == wanted:
        last = (F.lit(first["last"][name]).alias(name) for name in ORDER)
        prefix = prefix.where(F.struct(*ORDER) <= F.struct(*last))
    return prefix.drop(*ORDER[1:])


def _is_eligible(corpus: CorpusSection) -> Column:
    """Say of a document whether it is there and within the limits; as ``encoding.is_eligible``, in Spark's terms."""
    if corpus.ids_column is not None:
        return F.size("document") > 0
    return F.length("document").between(max(1, corpus.min_characters), corpus.max_characters)
