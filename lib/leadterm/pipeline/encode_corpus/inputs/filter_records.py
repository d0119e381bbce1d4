"""Which records of files ``corpus.where`` keeps: a job of its own, which reads only the columns that it names."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from leadterm.config import CorpusSection
from leadterm.errors import ConfigError, LeadtermError
from leadterm.pipeline.encode_corpus.inputs.predicate import asking, check_predicate, flag, in_utc, names_in
from leadterm.reading import JsonRule, Rule, Split
from leadterm.reading.json_kinds import KindsReader, columns_of_lines
from leadterm.reading.record_columns import PLACE, ColumnsReader, Partitions, columns_of, partition_values
from leadterm.reading.record_selection import pack
from leadterm.spark.task_progress import progress
from leadterm.spark.tasks import TaskFunction, run_tasks, spread
from leadterm.spark.translate_errors import readable_errors
from leadterm.storage.location import Location

SELECTED = pa.schema([("source", pa.int64()), ("start", pa.int64()), ("records", pa.int64()), ("keep", pa.binary())])
"""What is said of a split: its file and place there, how many records were asked, and which are kept."""


def selected(
    session: SparkSession,
    corpus: CorpusSection,
    rule: Rule,
    splits: Sequence[Split],
    assigned: Sequence[pa.RecordBatch],
    partitions: Partitions | None = None,
) -> list[Split]:
    """Find out which records of splits are kept.

    Parameters
    ----------
    session
        Spark, which evaluates the predicate.
    corpus
        Its ``where``.
    rule
        What the files hold.
    splits
        All that are read.
    assigned
        The same, assigned to tasks.
    partitions
        Partition columns of a table; None: they are read off the folders' names, as text.

    Returns
    -------
    list
        The splits, each with what it keeps.

    Raises
    ------
    ConfigError
        If the predicate cannot be parsed, names a column that is not there, or depends on more than a row.
    InputError
        If a file lacks a column that others have, or the predicate fails on a value; names the file.
    LeadtermError
        If not every record was asked.
    """
    where = corpus.where or ""
    if not splits:
        return list(splits)
    reader = _reader(session, where, rule, splits[0].place, assigned, partitions)
    with progress(session, "select by corpus.where"), asking(where), readable_errors():
        with in_utc(session):
            rows = _typed(spread(session, assigned, reader, reader.schema), reader)
            flagged = rows.select(*(F.col(name) for name in PLACE), flag(where).alias("kept"))
            reports = flagged.mapInArrow(_packed, from_arrow_schema(SELECTED))
        found = {(row["source"], row["start"]): row for row in reports.toArrow().to_pylist()}
    asked = [found.get((split.source, split.start), {"records": 0})["records"] for split in splits]
    if asked != [split.records for split in splits]:
        raise LeadtermError(
            f"consistency check failed: corpus.where was evaluated for {sum(asked):,} records, but the files hold "
            f"{sum(split.records for split in splits):,}. Did a source file change while it was read? Run again, "
            "or report this as a bug."
        )
    return [split._replace(keep=found[split.source, split.start]["keep"]) for split in splits]


def _reader(
    session: SparkSession,
    where: str,
    rule: Rule,
    place: str,
    assigned: Sequence[pa.RecordBatch],
    partitions: Partitions | None,
) -> ColumnsReader:
    """Say which columns are read: of the records, and of folders."""
    names = names_in(session, where)
    folders = tuple(partition_values(place) if partitions is None else partitions.types)
    if isinstance(rule, JsonRule):
        work: TaskFunction = KindsReader(rule, names)
        kinds = run_tasks(session, "find the keys of corpus.where", assigned, work, KindsReader.SCHEMA)
        columns = columns_of_lines(kinds["kinds"].to_pylist())
    else:
        columns = columns_of(Location.of(place), rule)
    known = pa.schema([(name, kind) for name, kind in {**dict.fromkeys(folders, pa.string()), **columns}.items()])
    every = ColumnsReader(rule, known, (), partitions)
    check_predicate(where, _typed(session.createDataFrame(known.empty_table()), every), names)
    both = [name for name in names if name in columns and name in folders]
    if both:
        raise ConfigError(
            f"corpus.where names {both[0]}, which is both a column of the records and a folder {both[0]}=… in {place}. "
            "Rename one of the two."
        )
    own = pa.schema([(name, columns[name]) for name in names if name in columns])
    return ColumnsReader(rule, own, tuple(name for name in names if name not in columns), partitions)


def _typed(rows: DataFrame, reader: ColumnsReader) -> DataFrame:
    """Give the partition columns of a table their types."""
    types = {} if reader.partitions is None else reader.partitions.types
    casts = {name: F.col(f"`{name}`").cast(kind) for name, kind in types.items() if name in rows.columns}
    return rows.withColumns(casts) if casts else rows


def _packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pack what was said of the records of each split, which come in order."""
    place: tuple[int, int] | None = None
    parts: list[Any] = []
    for batch in batches:
        source, start, record, kept = (batch.column(i).to_numpy(zero_copy_only=False) for i in range(4))
        cuts = np.flatnonzero((np.diff(source) != 0) | (np.diff(start) != 0)) + 1
        for first, last in zip([0, *cuts], [*cuts, len(batch)], strict=True):
            if first == last:
                continue
            here = (int(source[first]), int(start[first]))
            if place is not None and here != place:
                yield _report(place, parts)
                parts = []
            expected = sum(map(len, parts))
            if int(record[first]) != expected or int(record[last - 1]) != expected + last - first - 1:
                raise LeadtermError("corpus.where returned records out of order. Please report this.")
            place = here
            parts.append(kept[first:last].astype(bool))
    if place is not None:
        yield _report(place, parts)


def _report(place: tuple[int, int], parts: list[Any]) -> pa.RecordBatch:
    """Say which records of a split are kept."""
    kept = np.concatenate(parts)
    row = {"source": place[0], "start": place[1], "records": len(kept), "keep": pack(kept)}
    return pa.RecordBatch.from_pylist([row], schema=SELECTED)
