"""Which settings of a corpus's source are compatible: files, tables, their versions, and the hub."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

TABLE_FORMATS = ("delta", "iceberg", "hudi")
"""A path of one of these is the root of a table, whose log says which of its files belong to it."""
FILE_FORMATS = ("parquet", "json", "orc", "csv")
"""Files that leadterm reads itself; only for these is the order of rows known."""
HUB = "hf://"
_MAGIC = re.compile(r"[*?\[{]")
_TABLE_NAME = re.compile(r"(?:`[^`]+`|[\w-]+)(?:\.(?:`[^`]+`|[\w-]+))*")
_VERSIONS = {
    "delta": (re.compile(r"\d{1,18}"), "the number of a version, such as 12"),
    "iceberg": (re.compile(r"\d{1,19}"), "the id of a snapshot, such as 4836198734961284512"),
    "hudi": (re.compile(r"\d{14,17}"), "an instant of the timeline, such as 20260131120000000"),
}


class CorpusSource(Protocol):
    """What the section ``corpus`` says about where documents come from."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Files, folders, globs or URLs."""

    @property
    def table(self) -> str | None:
        """The name of a table in one of Spark's catalogs."""

    @property
    def format(self) -> str:
        """Of the files, or of the table at the path."""

    @property
    def version(self) -> str | None:
        """Of the table."""

    @property
    def where(self) -> str | None:
        """The predicate."""

    @property
    def ids_column(self) -> str | None:
        """The column of token ids."""

    @property
    def max_documents(self) -> int | None:
        """How many of the first documents are read."""


def normalise_version(value: object) -> object:
    """Convert a version that YAML reads as a number back to text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def with_paths(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Set empty paths if there is a table."""
    return {**data, "paths": data.get("paths") or ()} if data.get("table") is not None else data


def is_table(corpus: CorpusSource) -> bool:
    """Say whether a corpus is a table, which has distinct versions."""
    return corpus.table is not None or corpus.format in TABLE_FORMATS


def has_order(corpus: CorpusSource) -> bool:
    """Say whether it is known which documents of a corpus come first: by file path and row."""
    return corpus.table is None and corpus.format in FILE_FORMATS


def read_as_table(corpus: CorpusSource) -> bool:
    """Say whether a corpus is read as one set of rows: a table, or files that only Spark's own reader supports."""
    return is_table(corpus) or corpus.format == "avro"


def describe_source(corpus: CorpusSource) -> str:
    """Name the key that says where documents come from."""
    return f"corpus.table is '{corpus.table}'" if corpus.table is not None else f"corpus.format is '{corpus.format}'"


def source_problem(corpus: CorpusSource) -> str | None:
    """Say which settings exclude each other, and what to do; None if there is no problem."""
    checks = (_problem_of_table, _problem_of_root, _problem_of_version, _problem_of_where, _problem_of_hub)
    return next((problem for check in checks if (problem := check(corpus))), None) or _problem_of_rows(corpus)


def _problem_of_table(corpus: CorpusSource) -> str | None:
    if corpus.table is None:
        return None
    if corpus.paths:
        return (
            f"table is '{corpus.table}' and paths has {len(corpus.paths)} entries, but documents come from "
            "either a table or files. Remove one of the two"
        )
    if not _TABLE_NAME.fullmatch(corpus.table):
        return (
            f"table is '{corpus.table}'; expected a name such as catalog.db.name, with unusual parts in `backticks`. "
            "For the root of a table give paths and format"
        )
    if corpus.format not in ("parquet", *TABLE_FORMATS):
        return (
            f"table is '{corpus.table}', whose format the catalog knows, but format is '{corpus.format}'. Remove format"
        )
    return None


def _problem_of_root(corpus: CorpusSource) -> str | None:
    if corpus.table is not None or corpus.format not in (*TABLE_FORMATS, "avro"):
        return None
    if len(corpus.paths) > 1:
        expected = "a folder" if corpus.format == "avro" else "the root of the table"
        return f"format is '{corpus.format}' and paths has {len(corpus.paths)} entries; expected one, {expected}"
    if corpus.format != "avro" and _MAGIC.search(corpus.paths[0]):
        return (
            f"format is '{corpus.format}' and paths is the pattern '{corpus.paths[0]}'; expected the root of "
            "the table, whose log says which of its files are current"
        )
    return None


def _problem_of_version(corpus: CorpusSource) -> str | None:
    if corpus.version is None:
        return None
    if not is_table(corpus):
        return (
            f"version is '{corpus.version}' and format is '{corpus.format}', but only tables have versions. Set "
            "format to delta, iceberg or hudi, or remove version"
        )
    pattern, expected = _VERSIONS.get(corpus.format, (None, ""))
    if pattern and not pattern.fullmatch(corpus.version):
        return f"version is '{corpus.version}' and format is '{corpus.format}'; expected {expected}"
    return None


def _problem_of_where(corpus: CorpusSource) -> str | None:
    if corpus.where is not None and not corpus.where.strip():
        return "where is empty; expected a SQL predicate such as lang = 'en', or null"
    return None


def _problem_of_hub(corpus: CorpusSource) -> str | None:
    hub = next((path for path in corpus.paths if path.startswith(HUB)), None)
    if hub is None:
        return None
    if corpus.format not in FILE_FORMATS:
        return (
            f"format is '{corpus.format}' and paths has '{hub}', but only parquet, json, orc and csv are "
            "read from the hub. Download the files and name their folder"
        )
    return None


def _problem_of_rows(corpus: CorpusSource) -> str | None:
    if corpus.max_documents is not None and not has_order(corpus):
        source = describe_source(corpus).removeprefix("corpus.")
        return (
            f"max_documents is {corpus.max_documents} and {source}, whose rows have no order, so which come "
            "first is undefined. Remove max_documents, or write the documents to Parquet files"
        )
    if corpus.ids_column is not None and corpus.format == "csv":
        return (
            f"format is 'csv' and ids_column is '{corpus.ids_column}', but CSV cannot hold lists. Give text_column, or "
            "write the ids to Parquet files"
        )
    return None
