"""Opens a corpus: its files listed, looked at and hashed, and read part by part; cut to the first N if asked."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from leadterm.config import CorpusSection, read_as_table
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.inputs.change_guard import stamps_of, unchanged
from leadterm.pipeline.encode_corpus.inputs.filter_records import selected
from leadterm.pipeline.encode_corpus.inputs.first_documents import EligibleCounter, LastEligible
from leadterm.pipeline.encode_corpus.inputs.inspect_inputs import Files, all_splits, inspect_files, list_files
from leadterm.pipeline.encode_corpus.inputs.source_list import content_of, refuse_copies
from leadterm.pipeline.encode_corpus.inputs.spark_files import frame_of, rows_of
from leadterm.reading import SPLITS, Reading, Rule, Split, rule_of
from leadterm.reading.list_files import some
from leadterm.reading.read_documents import DocumentsFunction
from leadterm.reading.record_columns import Partitions
from leadterm.spark.tasks import assign, run_tasks, spread
from leadterm.spark.translate_errors import file_name
from leadterm.storage.location import Stamp
from leadterm.telemetry.progress import titled

logger = logging.getLogger("leadterm")


@dataclass(frozen=True)
class Documents:
    """A corpus, opened.

    Attributes
    ----------
    session
        Spark.
    corpus
        The section of the config.
    rule
        What the files hold.
    sources
        Its files in order of path: path, bytes, sha256, modified, rows, version.
    splits
        What is read of those that leadterm opens itself, in order.
    elsewhere
        Files that only Spark opens.
    stamps
        Length and time of change of each file before it was hashed, by the files' URLs in order.
    left_out
        Files in folders of the corpus that are not read.
    table
        What the product ``sources`` says of a table, instead of its files.
    frame
        The rows (document, path, row) of a table that Spark's connector reads.
    unselected
        How many rows of that table ``corpus.where`` drops.
    """

    session: SparkSession
    corpus: CorpusSection
    rule: Rule
    sources: pa.Table
    splits: Sequence[Split]
    elsewhere: tuple[str, ...]
    stamps: Mapping[str, Stamp]
    left_out: tuple[str, ...] = ()
    table: pa.Table | None = None
    frame: DataFrame | None = None
    unselected: int = 0

    @property
    def listed(self) -> pa.Table:
        """What the product ``sources`` says: the files, or the table."""
        return self.sources if self.table is None else self.table

    def unchanged(self, files: Sequence[str] | None = None) -> AbstractContextManager[None]:
        """Refuse files, by default all, that change before the end of a block; see `change_guard`."""
        stamps = self.stamps if files is None else {file: self.stamps[file] for file in files}
        return unchanged(self.session, self.sources, stamps)

    @property
    def is_limited(self) -> bool:
        """Whether only the first documents are read."""
        return self.corpus.max_documents is not None

    @property
    def n_records(self) -> int:
        """How many records are read: as they were counted before anyone looked into them."""
        if self.frame is not None:
            return int(sum(self.sources["rows"].to_pylist())) - self.unselected
        rows = dict(zip(self.sources["path"].to_pylist(), self.sources["rows"].to_pylist(), strict=True))
        return sum(split.n_kept for split in self.splits) + sum(int(rows[file]) for file in self.elsewhere)

    @property
    def n_unselected(self) -> int:
        """How many records ``corpus.where`` drops."""
        return self.unselected + sum(split.most - split.n_kept for split in self.splits)

    def only(self, files: Sequence[str]) -> "Documents":
        """Open the documents of some of the files."""
        chosen = set(files)
        return replace(
            self,
            splits=[split for split in self.splits if split.place in chosen],
            elsewhere=tuple(file for file in self.elsewhere if file in chosen),
        )

    def digest(self, files: Sequence[str]) -> str:
        """Hash what some of the files hold, and their numbers; see `content_of`."""
        chosen = set(files)
        lines = [
            f"{number} {content_of(row)}"
            for number, row in enumerate(self.sources.to_pylist())
            if row["path"] in chosen
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]

    def mapped(self, work: DocumentsFunction, made: pa.Schema, vocabulary_size: int | None = None) -> DataFrame:
        """Describe what comes of the documents.

        Parameters
        ----------
        work
            What is done with batches of documents; see `leadterm.reading.read_documents`.
        made
            The schema of the batches that it gives.
        vocabulary_size
            Where documents are ids: these are 0 to V-1.
        """
        if self.frame is not None:
            numbers = dict.fromkeys(self.sources["path"].to_pylist(), 0)
            return frame_of(self.frame, numbers, self.rule, work, made, vocabulary_size)
        frames = []
        if self.splits or not self.elsewhere:
            reading = Reading(self.rule, work, vocabulary_size, has_rows=self.table is None)
            frames.append(spread(self.session, _deal(self.session, self.splits), reading, made))
        if self.elsewhere:
            numbers = {path: number for number, path in enumerate(self.sources["path"].to_pylist())}
            rows = rows_of(self.session, self.elsewhere, self.rule)
            frames.append(frame_of(rows, numbers, self.rule, work, made, vocabulary_size))
        return reduce(DataFrame.unionAll, frames)

    def first(self, wanted: int | None) -> "Documents":
        """Keep documents up to the ``wanted``-th eligible one, in order of path and place in the file; None: all.

        Splits are gone through in growing prefixes until enough eligible documents are found, so a small sample of a
        large corpus costs little, and does not depend on how Spark divides the work.

        Raises
        ------
        InputError
            If a file is broken, or only Spark opens one; names it.
        """
        if wanted is None or wanted >= self.n_records:
            return self
        if self.elsewhere:
            raise InputError(
                f"the first {wanted:,} documents were requested, but {self.elsewhere[0]} is where only Spark can "
                "open files, whose order is not known. Read all (corpus.max_documents, tokenizer.training_documents: "
                "null), or copy the files to where leadterm can open them."
            )
        counted: list[int] = []
        while sum(counted) < wanted and len(counted) < len(self.splits):
            counted += self._count_eligible(len(counted), wanted - sum(counted))
        reached = int(np.searchsorted(np.cumsum(counted), wanted))
        if reached == len(self.splits):
            return self
        last = self.splits[reached]
        within = replace(self, splits=[last])._last_eligible(wanted - sum(counted[:reached]))
        return replace(self, splits=[*self.splits[:reached], last.first(within)])

    def _count_eligible(self, start: int, wanted: int) -> list[int]:
        """Count the eligible documents of further splits: of enough of them, or of as many as before."""
        ends = np.cumsum([split.records for split in self.splits[start:]])
        stop = start + max(int(np.searchsorted(ends, wanted)) + 1, start)
        some = replace(self, splits=self.splits[start:stop])
        assigned = [_rows([split]) for split in some.splits]
        reading = Reading(self.rule, EligibleCounter.of(self.corpus))
        what = f"find the first {wanted:,} documents"
        found = run_tasks(self.session, what, assigned, reading, EligibleCounter.SCHEMA)
        return [int(number) for number in found["eligible"].to_pylist()]

    def _last_eligible(self, wanted: int) -> int:
        """Say how many records a split has up to its N-th eligible document."""
        reading = Reading(self.rule, LastEligible(EligibleCounter.of(self.corpus), wanted))
        found = run_tasks(self.session, "find the last document", [_rows(self.splits)], reading, LastEligible.SCHEMA)
        return int(found["records"][0].as_py())


def _deal(session: SparkSession, splits: Sequence[Split]) -> list[pa.RecordBatch]:
    """Deal splits out to tasks, in order and by their bytes, as Spark divides files."""
    if not splits:
        return [pa.RecordBatch.from_pylist([], schema=SPLITS)]
    conf, n_tasks = session.conf, session.sparkContext.defaultParallelism
    opening, most = (
        _bytes(str(conf.get(f"spark.sql.files.{name}"))) for name in ("openCostInBytes", "maxPartitionBytes")
    )
    sizes = np.array([split.length + opening for split in splits], dtype=np.int64)
    target = min(most, max(opening, int(sizes.sum()) // n_tasks))
    return assign(_rows(splits), (np.cumsum(sizes) - sizes // 2) // max(1, target))


def _rows(splits: Sequence[Split]) -> pa.RecordBatch:
    """Lay splits out as rows."""
    return pa.RecordBatch.from_pylist([split._asdict() for split in splits], schema=SPLITS)


def _bytes(text: str) -> int:
    """Read a size as Spark writes it in its settings."""
    units = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
    number = text.lower().removesuffix("b") if text[-2:-1].isalpha() else text.lower()
    unit = number[-1:] if number[-1:].isalpha() else "b"
    return int(number.rstrip("bkmg")) * units[unit]


def open_documents(session: SparkSession, corpus: CorpusSection) -> Documents:
    """Open the documents of a corpus.

    Raises
    ------
    InputError
        If a path, a column or a file is missing or broken, if two files hold the same, or if there is no document;
        names it.
    """
    if read_as_table(corpus):
        from leadterm.pipeline.encode_corpus.inputs.open_table import open_table_documents  # noqa: PLC0415  # which builds on this module

        return open_table_documents(session, corpus)
    files = list_files(session, corpus.paths)
    opened = open_files(session, corpus, files)
    refuse_copies(opened.sources, corpus)
    return opened.first(corpus.max_documents)


def open_files(
    session: SparkSession,
    corpus: CorpusSection,
    files: Files,
    *,
    may_be_empty: bool = False,
    partitions: Partitions | None = None,
) -> Documents:
    """Look at files and open their documents, of all of them.

    Parameters
    ----------
    session
        Spark.
    corpus
        What they hold.
    files
        Which.
    may_be_empty
        Whether there may be no row.
    partitions
        Partition columns, where they are files of a table.

    Raises
    ------
    InputError
        As :func:`open_documents`.
    """
    if files.left_out:
        logger.info(
            "%s: %s files are skipped, because they are hidden or not data: %s",
            titled("inspect the input files"),
            f"{len(files.left_out):,}",
            some(map(file_name, files.left_out)),
        )
    stamps = stamps_of(session, files.addresses)
    inspected = inspect_files(session, files.addresses, rule_of(corpus), may_be_empty=may_be_empty)
    splits = [Split(**row) for row in all_splits(inspected)]
    if corpus.where is not None:
        splits = selected(session, corpus, inspected.rule, splits, _deal(session, splits), partitions)
    paths = inspected.sources["path"].to_pylist()
    elsewhere = tuple(path for path, parts in zip(paths, inspected.parts, strict=True) if not parts.is_valid)
    if corpus.where is not None and elsewhere:
        raise InputError(
            f"corpus.where is given, but {elsewhere[0]} is where only Spark can open files, and leadterm does "
            "not filter their rows. Remove corpus.where, or copy the files to where leadterm can open them."
        )
    return Documents(
        session, corpus, inspected.rule, inspected.sources, splits, elsewhere, stamps, tuple(files.left_out)
    )


def with_sources(documents: Documents, sources: pa.Table) -> Documents:
    """Keep the documents of some of the files, and number these anew."""
    paths = sources["path"].to_pylist()
    numbers = {path: number for number, path in enumerate(paths)}
    kept = documents.only(paths)
    splits = [split._replace(source=numbers[split.place]) for split in kept.splits]
    return replace(kept, sources=sources, splits=splits, stamps={path: documents.stamps[path] for path in paths})
