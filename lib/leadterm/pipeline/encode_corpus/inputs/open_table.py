"""Opens a table as a corpus: at a version, or only what a later version added; Delta's by leadterm's own reader."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.inputs.connectors import has_connector, lacking
from leadterm.pipeline.encode_corpus.inputs.inspect_inputs import NOT_SOURCES, Files
from leadterm.pipeline.encode_corpus.inputs.open_corpus import Documents, open_files
from leadterm.pipeline.encode_corpus.inputs.predicate import asking, check_predicate, flag, in_utc, names_in
from leadterm.pipeline.encode_corpus.inputs.source_list import TO
from leadterm.pipeline.encode_corpus.inputs.spark_tables import TableRows, added_between, delta_root, open_table
from leadterm.reading import INSPECTION, delta, rule_of
from leadterm.reading.delta import DeltaFile, DeltaSnapshot
from leadterm.reading.list_files import address_of
from leadterm.reading.read_documents import with_path
from leadterm.reading.record_columns import Partitions
from leadterm.spark.task_progress import progress
from leadterm.spark.translate_errors import readable_errors
from leadterm.storage.location import Location

SOURCES = pa.schema([field for field in INSPECTION if field.name not in NOT_SOURCES])
"""The columns of the product ``sources``."""


def open_table_documents(session: SparkSession, corpus: CorpusSection) -> Documents:
    """Open the documents of a table, at the version that the config names.

    Parameters
    ----------
    session
        Spark.
    corpus
        Its ``table``, or the root in ``paths``; its ``format`` and ``version``.

    Raises
    ------
    InputError
        If there is no such table, version, column or row, or Spark lacks the connector; names the package.
    """
    opened = _open(session, corpus, None)
    if opened is None or not opened.n_records + opened.n_unselected:
        raise InputError(f"the corpus is empty: {table_name(corpus)} contains no rows at this version.")
    return opened


def open_gained(session: SparkSession, corpus: CorpusSection, since: str | None) -> Documents | None:
    """Open what a table gained since a version, up to the one that the config names; None if that is nothing.

    Parameters
    ----------
    session, corpus
        As `open_table_documents`.
    since
        The version that was counted; None: all is gain.

    Raises
    ------
    InputError
        As `open_table_documents`; or if rows that were counted are gone or changed.
    """
    opened = _open(session, corpus, since)
    return opened if opened is not None and opened.n_records + opened.n_unselected else None


def _open(session: SparkSession, corpus: CorpusSection, since: str | None) -> Documents | None:
    """Open a table by leadterm's own reader if that can be, else by Spark's connector."""
    root = delta_root(session, corpus)
    if root is not None:
        try:
            return _open_delta(session, corpus, root, since)
        except delta.UnreadableTableError as error:
            if not has_connector(session, "delta"):
                raise InputError(f"{error} {lacking(session, str(root), 'delta')}") from error
    opened = open_table(session, corpus)
    if since == opened.source["version"]:
        return None
    if since is not None:
        opened = added_between(session, corpus, since)
    return _of_frame(session, corpus, opened, since)


def table_name(corpus: CorpusSection) -> str:
    """Name a table as the product ``sources`` does."""
    return corpus.table.replace("`", "") if corpus.table is not None else Location.of(corpus.paths[0]).uri


def _open_delta(session: SparkSession, corpus: CorpusSection, root: Location, since: str | None) -> Documents | None:
    """Open the files of a Delta table that its log names; None if there are none."""
    snapshot = delta.read_snapshot(root, None if corpus.version is None else int(corpus.version))
    if since == str(snapshot.version):
        return None
    files = snapshot.files if since is None else delta.added_between(root, int(since), snapshot.version)
    if not files:
        return None
    by_address = {address_of(file.place): file for file in files}
    listed = Files(sorted(by_address))
    opened = open_files(session, corpus, listed, may_be_empty=True, partitions=_partitions(snapshot, by_address))
    _check_rows(opened, by_address)
    version = str(snapshot.version)
    row = {
        "path": table_name(corpus),
        "bytes": sum(file.size for file in files),
        "rows": sum(opened.sources["rows"].to_pylist()),
        "version": version if since is None else f"{since}{TO}{version}",
    }
    return replace(opened, table=_listed(row), splits=[split._replace(source=0) for split in opened.splits])


def _partitions(snapshot: DeltaSnapshot, files: Mapping[str, DeltaFile]) -> Partitions:
    """Say what partition columns hold: the log says it, not the folders' names."""
    types = {name: str(snapshot.types[name]) for name in snapshot.partition_columns}
    return Partitions(types, {address: file.partitions for address, file in files.items()})


def _check_rows(opened: Documents, files: Mapping[str, DeltaFile]) -> None:
    """Compare the rows that files have with those that the log counts."""
    for path, rows in zip(opened.sources["path"].to_pylist(), opened.sources["rows"].to_pylist(), strict=True):
        known = files[path].rows
        if known not in (None, rows):
            raise InputError(f"{path} has {rows:,} rows, but the table's log says {known:,}. Repair the table.")


def _listed(row: Mapping[str, Any]) -> pa.Table:
    """Describe a table in the product ``sources``."""
    return pa.Table.from_pylist([{name: row.get(name) for name in SOURCES.names}], schema=SOURCES)


def _of_frame(session: SparkSession, corpus: CorpusSection, opened: TableRows, since: str | None) -> Documents:
    """Open the rows that a connector reads."""
    name, rule = table_name(corpus), rule_of(corpus)
    try:
        rule = with_path(rule, rule.find(to_arrow_schema(opened.frame.schema)))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    frame, rows = opened.frame, int(opened.source["rows"])
    kept = rows
    if corpus.where is not None:
        frame = _selected(session, corpus.where, frame)
        with progress(session, "select by corpus.where"), asking(corpus.where), readable_errors():
            kept = frame.count()
    document = F.col(f"`{rule.path[0].replace('`', '``')}`")
    named = frame.select(document.alias("document"), F.lit(name).alias("path"), F.lit(None).cast("long").alias("row"))
    version = opened.source["version"]
    table = _listed({**opened.source, "path": name, "version": version if since is None else f"{since}{TO}{version}"})
    return Documents(session, corpus, rule, table, [], (), {}, table=table, frame=named, unselected=rows - kept)


def _selected(session: SparkSession, where: str, frame: DataFrame) -> DataFrame:
    """Keep the rows of which the predicate holds."""
    names = names_in(session, where)
    with in_utc(session):
        check_predicate(where, session.createDataFrame([], frame.schema), names)
        return frame.where(flag(where))
