"""Delta tables by their log: which Parquet files hold the rows of a version, and what a later version added."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from leadterm.errors import InputError
from leadterm.reading.delta_log import Action, DeltaLog
from leadterm.storage.location import Location

CONNECTOR = "give Spark the connector"
PASSED_FEATURES = frozenset(
    {
        "appendOnly",
        "columnMapping",  # Refused below where it is on.
        "deletionVectors",  # Refused below where a file has one.
        "timestampNtz",
        "typeWidening",
        "typeWidening-preview",
        "v2Checkpoint",  # Refused where there is no other.
        "vacuumProtocolCheck",
        "variantType",
        "variantType-preview",
    }
)
"""What a reader may ask for without changing which texts the rows of a file hold.
(https://github.com/delta-io/delta/blob/master/PROTOCOL.md)"""


class UnreadableTableError(InputError):
    """A table asks of its readers what leadterm does not know, and a connector perhaps does."""


@dataclass(frozen=True)
class DeltaFile:
    """A file of a table, all of whose rows count.

    Attributes
    ----------
    place
        Where it lies.
    size
        Bytes.
    rows
        As the log says; None where it does not.
    partitions
        The values of the partition columns, as text; null where there is none.
    """

    place: Location
    size: int
    rows: int | None
    partitions: dict[str, str | None]


@dataclass(frozen=True)
class DeltaSnapshot:
    """A table at a version.

    Attributes
    ----------
    root, version
        Which.
    files
        In order of their addresses.
    types
        The columns' types, as Spark writes them in JSON.
    partition_columns
        Which of the columns the files do not hold.
    """

    root: Location
    version: int
    files: tuple[DeltaFile, ...]
    types: dict[str, Any]
    partition_columns: tuple[str, ...]


@dataclass
class _State:
    """What actions add up to."""

    protocol: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    adds: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def apply(self, actions: Iterable[Action]) -> None:
        """Go on with more actions."""
        for kind, value in actions:
            if kind == "protocol":
                self.protocol = value
            elif kind == "metaData":
                self.metadata = value
            elif kind == "add":
                self.adds[_key(value)] = value
            elif kind == "remove":
                self.adds.pop(_key(value), None)


def read_snapshot(root: Location, version: int | None = None) -> DeltaSnapshot:
    """Read a table's log up to a version, by default the latest.

    Raises
    ------
    InputError
        If there is no such table or version, or if its files cannot be read as they lie; says why.
    """
    log = DeltaLog.of(root)
    version = log.latest if version is None else version
    state = _State()
    state.apply(log.actions(version))
    _refuse_unknown(root, state)
    files = (_file(root, add) for add in state.adds.values())
    schema = json.loads(state.metadata["schemaString"])
    return DeltaSnapshot(
        root,
        version,
        tuple(sorted(files, key=lambda file: file.place.uri)),
        {column["name"]: column["type"] for column in schema["fields"]},
        tuple(state.metadata.get("partitionColumns") or ()),
    )


def added_between(root: Location, old: int, new: int) -> tuple[DeltaFile, ...]:
    """List the files with the rows that a table gained between two versions.

    Rows that were only written anew, as by ``OPTIMIZE``, are no gain; they are in files that were there before.

    Raises
    ------
    InputError
        If rows of the older version are gone or changed, or the log does not say; names the version and its operation.
    """
    if old > new:
        raise InputError(f"{root}: version {old} was counted, but {new} is earlier. {_NOT_BACK}")
    log, state = DeltaLog.of(root), _State()
    if old not in log.commits and old not in log.checkpoints:
        raise InputError(f"{root}: version {old} was counted, but the log no longer has it. Make a new run.")
    for version in range(old + 1, new + 1):
        if version not in log.commits:
            raise InputError(
                f"{root}: what version {version} changed is no longer in the log, so what was "
                f"added to version {old}. Make a new run."
            )
        _gain(root, version, list(log.commit(version)), state.adds)
    current = read_snapshot(root, new)
    files = tuple(sorted((_file(root, add) for add in state.adds.values()), key=lambda file: file.place.uri))
    _refuse_vacuumed(root, files, current)
    return files


_NOT_BACK = "What was counted cannot be removed: make a new run of the version that should be counted."


def _gain(root: Location, version: int, actions: list[Action], gained: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Note the files with new rows in a commit; one that lost some of its rows is removed and added by it."""
    operation = next((value.get("operation") for kind, value in actions if kind == "commitInfo"), None)
    for kind, value in actions:
        if kind == "remove" and value.get("dataChange", True) and gained.pop(_key(value), None) is None:
            raise InputError(
                f"{root}: version {version} ({operation or 'no operation named'}) removed or rewrote rows that were "
                f"counted, of {unquote(value['path'])}. {_NOT_BACK}"
            )
    for kind, value in actions:
        if kind == "add" and value.get("dataChange", True):
            _refuse_deletion_vector(root, value)
            gained[_key(value)] = value


def _refuse_vacuumed(root: Location, files: Iterable[DeltaFile], current: DeltaSnapshot) -> None:
    """Refuse files that were written anew since, and are gone."""
    live = {file.place.uri for file in current.files}
    for file in files:
        if file.place.uri not in live and not file.place.exists():
            raise InputError(
                f"{root}: {file.place} was added and then compacted, and VACUUM removed it, so its rows cannot "
                "be distinguished from others. Make a new run, or add before you vacuum."
            )


def _key(action: dict[str, Any]) -> tuple[str, str]:
    """Name a file, and which of its rows are deleted, as the protocol does."""
    vector = action.get("deletionVector")
    mark = "" if not vector else f"{vector['storageType']}{vector['pathOrInlineDv']}@{vector.get('offset')}"
    return unquote(action["path"]), mark


def _file(root: Location, add: dict[str, Any]) -> DeltaFile:
    """Describe a file that an action adds."""
    _refuse_deletion_vector(root, add)
    path = unquote(add["path"])
    place = Location.of(add["path"]) if "://" in path or path.startswith("file:/") else root / path
    stats = json.loads(add["stats"]) if add.get("stats") else {}
    partitions = {name: value or None for name, value in dict(add.get("partitionValues") or {}).items()}
    return DeltaFile(place, int(add["size"]), stats.get("numRecords"), partitions)


def _refuse_deletion_vector(root: Location, add: dict[str, Any]) -> None:
    """Refuse a file some of whose rows are deleted."""
    if add.get("deletionVector"):
        raise UnreadableTableError(
            f"{root}: rows of {unquote(add['path'])} are deleted by a deletion vector, which leadterm does not read by "
            f"itself. Run REORG TABLE … APPLY (PURGE), or {CONNECTOR}."
        )


def _refuse_unknown(root: Location, state: _State) -> None:
    """Refuse a table whose files mean something else than what lies in them."""
    protocol, mode = state.protocol, (dict(state.metadata.get("configuration") or {})).get("delta.columnMapping.mode")
    problem = None
    if not protocol or not state.metadata:
        problem = "its log contains neither protocol nor schema"
    elif int(protocol["minReaderVersion"]) > 3:
        problem = f"it requires reader version {protocol['minReaderVersion']}"
    elif unknown := sorted(set(protocol.get("readerFeatures") or ()) - PASSED_FEATURES):
        problem = f"it requires the reader features {', '.join(unknown)}"
    elif mode not in (None, "none"):
        problem = f"its columns have other names in the files (column mapping by {mode})"
    if problem:
        why = f"leadterm does not read this table by itself: {problem}"
        raise UnreadableTableError(f"{root}: {why}. Instead, {CONNECTOR}.")
