"""Looks at every input file before the work starts: is it there, whole, of the right type, and what is its hash?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from leadterm.errors import InputError
from leadterm.spark.failures import readable_errors
from leadterm.store.location import Location

FILES_PER_TASK = 64
SHOWN = 5
"""How many broken files a message lists."""


@dataclass(frozen=True)
class ColumnRule:
    """What the column of documents must be.

    Attributes
    ----------
    path
        The column's name, or the names on the way down to a nested one.
    is_ids
        Whether it holds lists of integers, not strings.
    """

    path: tuple[str, ...]
    is_ids: bool

    def problem(self, schema: pa.Schema) -> str | None:
        """Say what is wrong with a Parquet file of this schema; None if nothing is."""
        kind: Any = pa.struct(list(schema))
        for depth, name in enumerate(self.path):
            if not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
                names = [field.name for field in kind] if pa.types.is_struct(kind) else []
                return f"it has no column '{'.'.join(self.path[: depth + 1])}'; its columns: {', '.join(names)}"
            kind = kind.field(name).type
        if self._accepts(kind):
            return None
        wanted = "a list of integers" if self.is_ids else "a string"
        return f"its column '{'.'.join(self.path)}' has type {kind}; expected {wanted}"

    def _accepts(self, kind: pa.DataType) -> bool:
        """Say whether a column of this type can be read as documents."""
        if self.is_ids:
            is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
            return bool(is_list and pa.types.is_integer(kind.value_type))
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def inspect_files(session: SparkSession, files: Sequence[str], rule: ColumnRule | None) -> pa.Table:
    """Hash all files on the executors and, for Parquet, check each one's footer and column.

    Parameters
    ----------
    session
        Spark.
    files
        URLs, as Spark lists them.
    rule
        What the column must be; None for formats without a schema.

    Returns
    -------
    pyarrow.Table
        One row per file in order of ``path``: path string, bytes int64, sha256 string, rows int64 (null without a
        rule).

    Raises
    ------
    InputError
        Names the files that are broken, and what is wrong with each.
    """

    def inspect(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [_inspect(path, rule) for path in batch.column(0).to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=REPORT)

    tasks = max(1, min(len(files), max(session.sparkContext.defaultParallelism, len(files) // FILES_PER_TASK)))
    with readable_errors():
        paths = session.createDataFrame(pa.table({"path": pa.array(files, pa.string())})).repartition(tasks)
        found = paths.mapInArrow(inspect, "path string, bytes long, sha256 string, rows long, problem string").toArrow()
    found = found.sort_by("path")
    _refuse_broken(found)
    return found.drop_columns(["problem"])


REPORT = pa.schema(
    [
        ("path", pa.string()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("rows", pa.int64()),
        ("problem", pa.string()),
    ]
)


def _inspect(path: str, rule: ColumnRule | None) -> dict[str, Any]:
    """Hash one file and look at its footer."""
    report: dict[str, Any] = {"path": path, "bytes": None, "sha256": None, "rows": None, "problem": None}
    try:
        place = Location.of(path)
        report["bytes"] = place.filesystem.get_file_info(place.path).size
        if rule is not None:
            with place.filesystem.open_input_file(place.path) as file:
                footer = pq.ParquetFile(file)
                report["problem"] = rule.problem(footer.schema_arrow)
                report["rows"] = footer.metadata.num_rows
        report["sha256"] = place.sha256()
    except (pa.ArrowException, OSError, ValueError) as error:
        report["problem"] = f"it cannot be read as {'Parquet' if rule else 'a file'}: {str(error).splitlines()[0]}"
    return report


def _refuse_broken(found: pa.Table) -> None:
    """Raise an error that names the broken files, if there are any."""
    broken = [row for row in found.to_pylist() if row["problem"]]
    if not broken:
        return
    listed = "; ".join(f"{row['path']}: {row['problem']}" for row in broken[:SHOWN])
    more = f" (and {len(broken) - SHOWN} more)" if len(broken) > SHOWN else ""
    raise InputError(
        f"{len(broken)} of {len(found)} input files cannot be used. {listed}{more}. Repair or leave them out."
    )
