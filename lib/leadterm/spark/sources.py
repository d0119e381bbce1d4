"""The files that a run was made from: what each holds, and whether others may be counted with them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from leadterm.errors import InputError
from leadterm.spark.failures import file_name

SHOWN = 5
"""How many files a message lists."""


def content_of(row: dict[str, Any]) -> str:
    """Say what a source file holds: its hash; where there is none, its path, length and time of change."""
    return row["sha256"] or f"{row['path']} {row['bytes']} {row['modified']}"


def sources_hash(sources: pa.Table, *, ordered: bool) -> str:
    """Hash what the source files hold: equal for renamed or reordered files, unless their order matters."""
    contents = [content_of(row) for row in sources.to_pylist()]
    lines = contents if ordered else sorted(contents)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def join_sources(tables: Sequence[pa.Table]) -> pa.Table:
    """List the files of several runs as one run would.

    Raises
    ------
    InputError
        Names the files of one run that hold the same as a file of another.
    """
    counted = _Counted()
    problems = []
    for table in tables:
        rows = table.to_pylist()
        problems += [f"{file_name(row['path'])} holds {twin}" for row in rows if (twin := counted.twin_of(row))]
        counted.add(rows)
    _refuse(problems, "would be counted twice", "Merge runs over different files.")
    return pa.concat_tables(tables).sort_by([("path", "ascending"), ("sha256", "ascending")]).combine_chunks()


def new_sources(found: pa.Table, counted: pa.Table | None, *, named: bool) -> pa.Table:
    """Keep the files that a run has not counted yet.

    Parameters
    ----------
    found
        The files that were looked at.
    counted
        Those of the run; None if there is no run yet.
    named
        Whether the user named each file as a new one. Otherwise those that are counted already are passed over.

    Raises
    ------
    InputError
        Names the files that would be counted twice, or that changed after they were counted.
    """
    before = _Counted()
    before.add(counted.to_pylist() if counted is not None else [])
    fresh, problems = [], []
    for row in found.to_pylist():
        name, contents = file_name(row["path"]), before.contents[row["path"]]
        if content_of(row) in contents:
            if named:
                problems.append(f"{name} is counted already")
        elif contents:
            problems.append(f"{name} has changed since it was counted")
        elif twin := before.twin_of(row):
            problems.append(f"{name} holds {twin}")
        else:
            fresh.append(row)
            before.add([row])
    _refuse(
        problems,
        "cannot be added",
        "What was counted cannot be taken back: leave these files out, or make a new run of all that should count.",
    )
    return pa.Table.from_pylist(fresh, schema=found.schema)


class _Counted:
    """What was counted so far."""

    def __init__(self) -> None:
        self.contents: defaultdict[str, set[str]] = defaultdict(set)
        self._paths: dict[str, str] = {}

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Count files."""
        for row in rows:
            self.contents[row["path"]].add(content_of(row))
            self._paths.setdefault(content_of(row), row["path"])

    def twin_of(self, row: dict[str, Any]) -> str | None:
        """Say which file holds the same; files without a document may come as often as they like."""
        twin = self._paths.get(content_of(row))
        is_empty = 0 in (row["rows"], row["bytes"])
        return None if twin is None or is_empty else f"the same as {file_name(twin)}"


def _refuse(problems: Sequence[str], reason: str, remedy: str) -> None:
    """Raise an error that names files, if there are any."""
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        listed = "\n  ".join(["", *problems[:SHOWN], *more])
        raise InputError(f"{len(problems)} files {reason}. {remedy}{listed}".replace("1 files", "1 file", 1))
