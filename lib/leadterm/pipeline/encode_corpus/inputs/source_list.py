"""The files that a run was made from: what each holds, and whether others may be counted with them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.config import CorpusSection
from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.reading.hub_datasets import HubPath, is_on_hub
from leadterm.spark.translate_errors import file_name
from leadterm.storage.location import Location

SHOWN = 5
"""How many files a message lists."""
COPIES = "Leave copies out, or count each one with corpus.copies: count."


TO = ".."
"""Stands between two versions of a table, where a run holds only what the later one added."""


def content_of(row: dict[str, Any]) -> str:
    """Say what a source file holds: its hash; where there is none, its path, length and time of change, or version."""
    return row["sha256"] or f"{row['path']} {row['bytes']} {row.get('version') or row['modified']}"


def sources_hash(sources: pa.Table, *, ordered: bool) -> str:
    """Hash what the source files hold: equal for renamed or reordered files, unless their order matters."""
    contents = [content_of(row) for row in sources.to_pylist()]
    lines = contents if ordered else sorted(contents)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def without_documents(corpus: str, marks: Sequence[str]) -> str:
    """Hash a corpus less some documents, each set of which has a mark; without any it is the corpus itself."""
    return hashlib.sha256("\n".join([corpus, *sorted(marks)]).encode()).hexdigest() if marks else corpus


def refuse_copies(sources: pa.Table, corpus: CorpusSection) -> None:
    """Refuse files that hold the same bytes under several names: copies and links, which would be counted twice.

    Raises
    ------
    InputError
        Names them.
    """
    if corpus.copies == "count":
        return
    counted, problems = _Counted(), []
    for row in sources.to_pylist():
        if twin := counted.twin_of(row):
            problems.append(f"{file_name(row['path'])} holds {twin}")
        counted.add([row])
    _refuse(problems, "would be counted twice", COPIES)


def join_sources(tables: Sequence[pa.Table], *, copies_count: bool = False) -> pa.Table:
    """List the files of several runs as one run would.

    Parameters
    ----------
    tables
        Those of each run.
    copies_count
        Whether a file of one run may hold the same as a file of another.

    Raises
    ------
    InputError
        Names the files that would be counted twice.
    """
    counted = _Counted()
    problems = []
    for table in tables:
        rows = table.to_pylist()
        if not copies_count:
            problems += [f"{file_name(row['path'])} holds {twin}" for row in rows if (twin := counted.twin_of(row))]
        counted.add(rows)
    _refuse(problems, "would be counted twice", "Merge runs over different files.")
    every, first = pa.concat_tables(tables).take(_order(tables)), _firsts(tables)
    if first.all():
        return every.combine_chunks()
    joined: list[dict[str, Any]] = []
    for row, is_first in zip(every.to_pylist(), first.tolist(), strict=True):
        if is_first:
            joined.append(row)
        else:
            joined[-1] = _with_gain(joined[-1], row)
    return pa.Table.from_pylist(joined, schema=every.schema)


def numbers_of(tables: Sequence[pa.Table]) -> list[NDArray[np.int32]]:
    """Say which row each file of each run has among the files of all, as `join_sources` lists them."""
    places = np.empty(sum(map(len, tables)), dtype=np.int32)
    places[_order(tables).to_numpy()] = np.cumsum(_firsts(tables), dtype=np.int32) - 1
    return np.split(places, np.cumsum([len(table) for table in tables])[:-1])


def _order(tables: Sequence[pa.Table]) -> Any:
    """Say in which order the files of several runs stand: by path and hash, of equal ones as they come."""
    keys = pa.concat_tables([table.select(["path", "sha256"]) for table in tables])
    keys = keys.append_column("place", pa.array(np.arange(len(keys))))
    return pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])


def _firsts(tables: Sequence[pa.Table]) -> NDArray[np.bool_]:
    """Say of each file in order whether it is another one than before; of a table, rows of several runs may follow."""
    first = np.ones(sum(map(len, tables)), dtype=bool)
    if not any("version" in table.column_names and table["version"].null_count < len(table) for table in tables):
        return first
    ordered = pa.concat_tables([table.select(["path", "version"]) for table in tables]).take(_order(tables))
    paths, versions = (ordered[name].to_pylist() for name in ordered.column_names)
    first[1:] = [
        path != before or not version for path, before, version in zip(paths[1:], paths, versions[1:], strict=False)
    ]
    return first


def _with_gain(row: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Describe a table with what a later version of it added.

    Raises
    ------
    InputError
        If rows of it would be counted twice.
    """
    start, _, end = later["version"].rpartition(TO)
    if row["version"] != start:
        _refuse(
            [f"{row['path']} at version {later['version']}, beside {row['version']}"],
            "would be counted twice",
            "Merge runs over different tables.",
        )
    size = None if None in (row["bytes"], later["bytes"]) else row["bytes"] + later["bytes"]
    return {**row, "version": end, "rows": row["rows"] + later["rows"], "bytes": size}


@dataclass(frozen=True)
class NewSources:
    """Which files a run has not counted.

    Attributes
    ----------
    fresh
        Those.
    renamed
        Addresses under which a file was counted and which are gone, and where the same bytes lie now.
    """

    fresh: pa.Table
    renamed: list[tuple[str, str]]


def new_sources(found: pa.Table, counted: pa.Table | None, *, named: bool, copies_count: bool = False) -> NewSources:
    """Keep the files that a run has not counted yet.

    Parameters
    ----------
    found
        The files that were looked at.
    counted
        Those of the run; None if there is no run yet.
    named
        Whether the user named each file as a new one. Otherwise those that are already counted are passed over.
    copies_count
        Whether files that hold the same are each counted.

    Raises
    ------
    InputError
        Names the files that would be counted twice, or that changed after they were counted.
    """
    before = _Counted()
    before.add(counted.to_pylist() if counted is not None else [])
    gone = before.gone(found.to_pylist())
    fresh, problems, renamed = [], [], []
    for row in found.to_pylist():
        name, contents = file_name(row["path"]), before.contents[_lasting_name(row["path"])]
        if content_of(row) in contents:
            if named:
                problems.append(f"{name} is already counted")
        elif contents:
            problems.append(f"{name} has changed since it was counted")
        elif gone.get(content_of(row)):
            renamed.append((gone[content_of(row)].pop(), row["path"]))
        elif not copies_count and (twin := before.twin_of(row)):
            problems.append(f"{name} holds {twin}")
        else:
            fresh.append(row)
            before.add([row])
    _refuse(
        problems,
        "cannot be added",
        "What was counted cannot be removed: leave these files out, or make a new run of everything that should be "
        "counted.",
    )
    return NewSources(pa.Table.from_pylist(fresh, schema=found.schema), renamed)


class _Counted:
    """What was counted so far."""

    def __init__(self) -> None:
        self.contents: defaultdict[str, set[str]] = defaultdict(set)
        """What files hold, by their names as users write them."""
        self._paths: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Count files."""
        for row in rows:
            self.contents[_lasting_name(row["path"])].add(content_of(row))
            self._paths[content_of(row)].append(row["path"])

    def twin_of(self, row: dict[str, Any]) -> str | None:
        """Say which file holds the same; files without a document may come as often as they like."""
        twins = self._paths.get(content_of(row))
        is_empty = 0 in (row["rows"], row["bytes"])
        return None if not twins or is_empty else f"the same as {file_name(twins[0])}"

    def gone(self, found: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
        """Find the files that lie no longer where they were counted, by what they hold, which lies elsewhere now."""
        there = {_lasting_name(row["path"]) for row in found}
        contents = {content_of(row) for row in found if _lasting_name(row["path"]) not in self.contents}
        lost = {
            content: [path for path in self._paths.get(content, ()) if _is_gone(path, there)] for content in contents
        }
        return {content: paths[::-1] for content, paths in lost.items()}


def _lasting_name(path: str) -> str:
    """Name a file as users do; one of the hub without its commit, as it is the same file at the next one."""
    return HubPath.of(path).name if is_on_hub(path) else file_name(path)


def _is_gone(path: str, there: set[str]) -> bool:
    """Say whether a file lies no longer at its address; one that only Spark opens counts as there."""
    try:
        return _lasting_name(path) not in there and not Location.of(path).exists()
    except UnknownFilesystemError:
        return False


def _refuse(problems: Sequence[str], reason: str, remedy: str) -> None:
    """Raise an error that names files, if there are any."""
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        listed = "\n  ".join(["", *problems[:SHOWN], *more])
        raise InputError(f"{len(problems)} files {reason}. {remedy}{listed}".replace("1 files", "1 file", 1))
