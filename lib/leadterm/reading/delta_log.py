"""What the log of a Delta table says: its commits and checkpoints, as actions."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.errors import InputError
from leadterm.storage.location import Location

COMMIT = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet")
OTHER_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)")
"""A checkpoint of the second kind, parts of which lie elsewhere."""
KINDS = ("protocol", "metaData", "add", "remove")
"""The actions that say which rows a table has."""
Action = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class DeltaLog:
    """The files of a log.

    Attributes
    ----------
    root
        The table's root.
    commits
        The versions whose changes are there.
    checkpoints
        The names of the files of each whole checkpoint, by version.
    others
        The versions with a checkpoint of the second kind.
    """

    root: Location
    commits: frozenset[int]
    checkpoints: dict[int, tuple[str, ...]]
    others: frozenset[int]

    @classmethod
    def of(cls, root: Location) -> "DeltaLog":
        """List the log of a table.

        Raises
        ------
        InputError
            If there is none.
        """
        names = (root / "_delta_log").names()
        parts: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
        for found in filter(None, map(CHECKPOINT.fullmatch, names)):
            parts[int(found[1]), int(found[3] or 1)].append(found[0])
        commits = frozenset(int(found[1]) for found in map(COMMIT.fullmatch, names) if found)
        whole = {version: tuple(files) for (version, n_parts), files in parts.items() if len(files) == n_parts}
        others = frozenset(int(found[1]) for found in map(OTHER_CHECKPOINT.fullmatch, names) if found)
        if not (commits or whole or others):
            raise InputError(
                f"{root} is not a Delta table: it has no folder _delta_log with versions. Correct corpus.paths or "
                "corpus.format."
            )
        return cls(root, commits, whole, others)

    @property
    def latest(self) -> int:
        """The latest version."""
        return max((*self.commits, *self.checkpoints, *self.others))

    def actions(self, version: int) -> Iterator[Action]:
        """Give the actions that make up the table at a version: those of a checkpoint, then of each commit after it.

        Raises
        ------
        InputError
            If the log does not reach back to the version, or is damaged.
        """
        if version > self.latest:
            raise InputError(
                f"{self.root} has no version {version}; its latest is {self.latest}. Correct corpus.version."
            )
        start = max((found for found in self.checkpoints if found <= version), default=-1)
        missing = [found for found in range(start + 1, version + 1) if found not in self.commits]
        if missing:
            second = any(start < found <= version for found in self.others)
            why = (
                "has checkpoints of the second kind (v2Checkpoint), which leadterm does not read by itself"
                if second
                else f"has been cleaned up: it lacks the commit of version {missing[0]}"
            )
            raise InputError(
                f"{self.root} cannot be read at version {version}: its log {why}. Choose a later version, or give "
                "Spark the connector."
            )
        for name in self.checkpoints.get(start, ()):
            yield from self._checkpoint(name)
        for number in range(start + 1, version + 1):
            yield from self.commit(number)

    def commit(self, version: int) -> Iterator[Action]:
        """Give the actions of a commit."""
        name = f"{version:020d}.json"
        try:
            lines = self._file(name).read_bytes().to_pybytes().decode().splitlines()
            for line in filter(str.strip, lines):
                yield from ((kind, value) for kind, value in json.loads(line).items() if value is not None)
        except (OSError, ValueError, AttributeError) as error:
            raise self._damaged(name, error) from error

    def _checkpoint(self, name: str) -> Iterator[Action]:
        """Give the actions of a part of a checkpoint."""
        try:
            with self._file(name).open_input() as file:
                parquet = pq.ParquetFile(file)
                there = [kind for kind in KINDS[:3] if kind in parquet.schema_arrow.names]
                for batch in parquet.iter_batches(columns=there):
                    for kind in there:
                        yield from ((kind, value) for value in batch[kind].drop_null().to_pylist())
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._damaged(name, error) from error

    def _file(self, name: str) -> Location:
        return self.root / "_delta_log" / name

    def _damaged(self, name: str, error: Exception) -> InputError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return InputError(
            f"{self._file(name)}, a part of the table's log, cannot be read ({reason}). Repair the table."
        )
