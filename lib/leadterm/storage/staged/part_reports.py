"""What is finished of a job in its staging folder: a report lies beside files that are whole, and holds their hashes.

A job that was interrupted and is done again takes what it finds here. A report begins with the hash of the rest of
itself, so it is as it was written, or does not count.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.errors import MachineError
from leadterm.storage.formats.parquet_io import table_bytes
from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import part_output

REPORT_SUFFIX = ".report"
"""What follows the name of a part of the work in that of its report."""


def finish(folder: Location, name: str, report: pa.Table) -> None:
    """Say that a part of the work is finished.

    Parameters
    ----------
    folder
        Where its files lie.
    name
        Says which part it is: whoever finds it takes it for what it would make itself.
    report
        A row of each file: ``place``, its URL, null where there is none; ``bytes``; ``sha256``; and whatever else is to
        be known. Without a column ``place`` it tells of no file.
    """
    data = table_bytes(report)
    with part_output(folder / f"{name}{REPORT_SUFFIX}") as stream:
        stream.write(hashlib.sha256(data).digest() + data)


def finished(folder: Location, name: str) -> pa.Table | None:
    """Read the report of a part of the work whose files are as they were; None if it is not finished."""
    try:
        written = (folder / f"{name}{REPORT_SUFFIX}").read_bytes()
        size = hashlib.sha256().digest_size
        if hashlib.sha256(written[size:]).digest() != written[:size].to_pybytes():
            return None
        report = pq.read_table(pa.BufferReader(written[size:]))
        return report if all(_is_whole(folder, row) for row in _files_of(report)) else None
    except (OSError, MachineError):
        return None


def drop_others(folder: Location, reports: Mapping[str, pa.Table]) -> None:
    """Remove what belongs to none of the parts that are finished, whose reports these are by their names."""
    files = {Location.of(row["place"]).name for report in reports.values() for row in _files_of(report)}
    kept = files | {f"{name}{REPORT_SUFFIX}" for name in reports}
    for name in folder.names():
        if name not in kept:
            (folder / name).remove()


def _files_of(report: pa.Table) -> list[dict[str, Any]]:
    """List the files that a report tells of."""
    if "place" not in report.column_names:
        return []
    rows = report.select(["place", "bytes", "sha256"]).to_pylist()
    return [row for row in rows if row["place"] is not None]


def _is_whole(folder: Location, row: dict[str, Any]) -> bool:
    """Say whether a file is as it was, and lies here: a copy of the folder has reports of another one's files."""
    file = folder / Location.of(row["place"]).name
    return bool(file.uri == row["place"] and file.size() == row["bytes"] and file.sha256() == row["sha256"])
