"""Tables that Spark's own connectors read: at a version, with what a later version added."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from leadterm.config import CorpusSection
from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.pipeline.encode_corpus.inputs.connectors import reading_table
from leadterm.spark.task_progress import described
from leadterm.storage.location import Location
from leadterm.telemetry.progress import titled

REMEDY = (
    "Check corpus.table, corpus.paths, corpus.format and corpus.version in the config; a catalog is declared "
    "by spark.sql.catalog.NAME."
)
NOT_BACK = "What was counted cannot be removed: make a new run of the version that should be counted."
LOOKING = "inspect the table"
_PARTS = re.compile(r"`([^`]+)`|([^.`]+)")
_INSTANT = re.compile(r"(\d{14,17})(?:_\d{14,17})?\.(?:commit|deltacommit|replacecommit)")
APPENDING = ("append", "replace")
"""Iceberg's operations that take no row away: the second writes rows anew as they were."""


@dataclass(frozen=True)
class TableRows:
    """Rows of a table.

    Attributes
    ----------
    frame
        All its columns.
    source
        Its row in the product ``sources``: ``path`` (the table's name or root), ``version`` and ``rows``; it has no
        hash.
    """

    frame: DataFrame
    source: dict[str, Any]


@dataclass(frozen=True)
class _Table:
    """A table, and how Spark is told of it.

    Attributes
    ----------
    session
        Spark.
    name
        Its name, as SQL takes it; None where it is a root.
    root
        Its root; None where only the catalog knows.
    kind
        Its format.
    """

    session: SparkSession
    name: str | None
    root: str | None
    kind: str

    @property
    def shown(self) -> str:
        """Name it in messages."""
        return self.name.replace("`", "") if self.name else self.root or ""

    def load(self, part: str = "", **options: str) -> DataFrame:
        """Read it through its connector, or one of Iceberg's tables about it."""
        reader = self.session.read.format(self.kind).options(
            **{key.replace("_", "-"): one for key, one in options.items()}
        )
        return reader.load(f"{self.name or self.root}{part and ('.' if self.name else '#')}{part}")

    def sql(self, text: str) -> list[Any]:
        """Ask about it."""
        with described(self.session, titled(LOOKING)):
            return self.session.sql(text).collect()


def delta_root(session: SparkSession, corpus: CorpusSection) -> Location | None:
    """Say where a Delta table lies; None if it is a table of another kind, or lies where only Spark opens files."""
    if corpus.table is None:
        root: str | None = corpus.paths[0] if corpus.format == "delta" else None
    else:
        with reading_table(session, corpus.table, None, REMEDY):
            table = _found(session, corpus)
        root = table.root if table.kind == "delta" else None
    try:
        return None if root is None else Location.of(root)
    except UnknownFilesystemError:
        return None


def open_table(session: SparkSession, corpus: CorpusSection) -> TableRows:
    """Open a table at the version that the config names, by default the latest.

    Raises
    ------
    InputError
        If there is no such table or version, or Spark lacks its connector; names the package.
    """
    shown = corpus.table or corpus.paths[0]
    with reading_table(session, shown, None if corpus.table else corpus.format, REMEDY):
        table = _found(session, corpus)
        version = corpus.version or _latest(table)
        frame = _at(table, version)
        with described(session, titled("count the rows of the table")):
            rows = frame.count()
    return TableRows(frame, _source(table, version, rows))


def added_between(session: SparkSession, corpus: CorpusSection, old: str) -> TableRows:
    """Read only the rows that a table gained since a version, up to the one that the config names.

    Raises
    ------
    InputError
        If rows of the older version are gone or changed, or if the connector cannot tell.
    """
    shown = corpus.table or corpus.paths[0]
    with reading_table(session, shown, None if corpus.table else corpus.format, REMEDY):
        table = _found(session, corpus)
        new = corpus.version or _latest(table)
        if table.kind != "iceberg":
            raise InputError(
                f"{shown}: what was added to version {old} up to {new} cannot be distinguished from what was "
                f"changed in a table of format {table.kind}. Make a new run."
            )
        _refuse_rewritten(table, old, new)
        frame = table.load(start_snapshot_id=old, end_snapshot_id=new)
        with described(session, titled("count the rows of the table")):
            rows = frame.count()
    return TableRows(frame, _source(table, new, rows))


def quoted(name: str) -> str:
    """Write a table's name so that SQL takes each part as it is.

    Examples
    --------
    >>> quoted("lake.web-crawl.`odd.name`")
    '`lake`.`web-crawl`.`odd.name`'
    """
    return ".".join(f"`{one or other}`" for one, other in _PARTS.findall(name))


def _source(table: _Table, version: str, rows: int) -> dict[str, Any]:
    """Describe a table in the product ``sources``."""
    path = table.root if table.name is None else table.name.replace("`", "")
    return {"path": path, "bytes": None, "sha256": None, "modified": None, "rows": rows, "version": version}


def _found(session: SparkSession, corpus: CorpusSection) -> _Table:
    """Find a table: its format, and where it lies."""
    if corpus.table is None:
        return _Table(session, None, corpus.paths[0], corpus.format)
    name = quoted(corpus.table)
    with described(session, titled(LOOKING)):
        rows = session.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()
    told = {row["col_name"]: row["data_type"] for row in rows}
    return _Table(session, name, told.get("Location"), str(told.get("Provider", told.get("Type", "table"))).lower())


def _latest(table: _Table) -> str:
    """Name the version that a table has now; of one without versions, the files it consists of."""
    return _LATEST.get(table.kind, _fingerprint)(table)


def _latest_delta(table: _Table) -> str:
    return str(table.sql(f"DESCRIBE HISTORY {table.name or f'delta.`{table.root}`'} LIMIT 1")[0]["version"])


def _latest_iceberg(table: _Table) -> str:
    with described(table.session, titled(LOOKING)):
        found = table.load("refs").where("name = 'main'").select("snapshot_id").collect()
    if not found:
        raise InputError(f"{table.shown} has no snapshot yet: it is empty. {REMEDY}")
    return str(found[0]["snapshot_id"])


def _latest_hudi(table: _Table) -> str:
    folder = Location.of(table.root or "") / ".hoodie"
    names = [*folder.names(), *(folder / "timeline").names()]
    instants = [found[1] for found in map(_INSTANT.fullmatch, names) if found]
    if not instants:
        raise InputError(f"{table.shown} is not a Hudi table with a completed commit: {folder} lists none. {REMEDY}")
    return max(instants)


def _fingerprint(table: _Table) -> str:
    """Name the files that a table without versions consists of, with their lengths and times of change."""
    with described(table.session, titled(LOOKING)):
        files = _plain(table).inputFiles()
    if not files:
        raise InputError(
            f"{table.shown} ({table.kind}) has neither versions nor files, so nothing would record what "
            "was counted. Write it to Parquet files, and name these in corpus.paths."
        )
    columns = ("path", "length", "modificationTime")
    with described(table.session, titled(LOOKING)):
        rows = table.session.read.format("binaryFile").load(files).select(*columns).orderBy(*columns).collect()
    lines = [f"{row['path']} {row['length']} {row['modificationTime'].timestamp()}" for row in rows]
    return "files-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


_LATEST: dict[str, Callable[[_Table], str]] = {
    "delta": _latest_delta,
    "iceberg": _latest_iceberg,
    "hudi": _latest_hudi,
}


def _at(table: _Table, version: str) -> DataFrame:
    """Read a table at a version."""
    if table.kind not in _LATEST:
        if version != (now := _fingerprint(table)):
            raise InputError(
                f"{table.shown} ({table.kind}) has no versions, and its files are now {now}, not "
                f"{version}. Remove corpus.version, and make a new run if the table has changed."
            )
        return _plain(table)
    if table.name is None:
        option = {"delta": "versionAsOf", "iceberg": "snapshot_id", "hudi": "as.of.instant"}[table.kind]
        return table.load(**{option: version})
    clause = f"TIMESTAMP AS OF '{version}'" if table.kind == "hudi" else f"VERSION AS OF {int(version)}"
    return table.session.sql(f"SELECT * FROM {table.name} {clause}")


def _plain(table: _Table) -> DataFrame:
    """Read what has no versions."""
    return table.load() if table.name is None else table.session.table(table.name)


def _refuse_rewritten(table: _Table, old: str, new: str) -> None:
    """Refuse snapshots of Iceberg that took away rows of an older one, or do not come from it."""
    with described(table.session, titled(LOOKING)):
        rows = table.load("snapshots").select("snapshot_id", "parent_id", "operation").collect()
    known = {str(row["snapshot_id"]): (row["parent_id"], row["operation"]) for row in rows}
    here: str | None = new
    while here != old:
        parent, operation = known.get(here or "", (None, None))
        if operation is None:
            raise InputError(
                f"{table.shown}: snapshot {old} was counted, but {new} does not descend from it, or the snapshots "
                "between "
                f"have expired. {NOT_BACK}"
            )
        if operation not in APPENDING:
            raise InputError(
                f"{table.shown}: snapshot {here} ({operation}) removed or rewrote rows that were counted. {NOT_BACK}"
            )
        here = None if parent is None else str(parent)
