"""Delta tables by their log, written and read again by another implementation (delta-rs)."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from leadterm.errors import InputError
from leadterm.reading.delta import added_between, read_snapshot
from leadterm.storage.location import Location


def rows(start: int, number: int, lang: str = "en") -> pa.Table:
    return pa.table({"text": [f"row {start + i}" for i in range(number)], "lang": [lang] * number})


def texts(files) -> list[str]:
    """Read files as they lie, as leadterm's reader does."""
    found = []
    for file in files:
        with file.place.open_input() as opened:
            table = pq.ParquetFile(opened).read()
        assert file.rows in (None, len(table))
        found += table["text"].to_pylist()
    return sorted(found)


def independent(root: Path, version: int | None = None) -> list[str]:
    """What delta-rs reads."""
    return sorted(DeltaTable(root, version=version).to_pyarrow_table()["text"].to_pylist())


@pytest.fixture
def root(tmp_path) -> Path:
    """A table with appends, an overwritten partition, deletes and an optimize, in partitions with odd names."""
    root = tmp_path / "my table"
    write_deltalake(root, rows(0, 5), partition_by=["lang"])
    write_deltalake(root, rows(5, 4, "de"), mode="append")
    write_deltalake(root, rows(9, 3, "a b/c=%d"), mode="append")
    DeltaTable(root).delete("text = 'row 2'")
    write_deltalake(root, rows(20, 2), mode="append")
    DeltaTable(root).optimize.compact()
    write_deltalake(root, rows(30, 2, "de"), mode="overwrite", predicate="lang = 'de'")
    DeltaTable(root).create_checkpoint()
    write_deltalake(root, rows(40, 1, "fr"), mode="append")
    return root


@pytest.mark.parametrize("version", [*range(8), None])
def test_every_version_has_the_rows_that_another_reader_finds(root, version):
    snapshot = read_snapshot(Location.of(root), version)
    assert texts(snapshot.files) == independent(root, version)
    assert snapshot.version == (7 if version is None else version)
    assert snapshot.partition_columns == ("lang",)
    assert snapshot.types == {"text": "string", "lang": "string"}


def test_partition_values_come_from_the_log(root):
    files = read_snapshot(Location.of(root)).files
    assert {file.partitions["lang"] for file in files} == {"en", "de", "a b/c=%d", "fr"}


def test_a_table_is_read_from_its_checkpoint_when_commits_are_gone(root):
    for version in range(7):
        (root / "_delta_log" / f"{version:020d}.json").unlink()
    assert texts(read_snapshot(Location.of(root)).files) == independent(root)
    with pytest.raises(
        InputError, match=r"cannot be read at version 3: its log has been cleaned up: it lacks the commit"
    ):
        read_snapshot(Location.of(root), 3)


def test_a_checkpoint_of_a_large_table_in_parts_is_read(root, tmp_path):
    whole = root / "_delta_log" / f"{6:020d}.checkpoint.parquet"
    table = pq.read_table(whole)
    for part in range(2):
        name = f"{6:020d}.checkpoint.{part + 1:010d}.{2:010d}.parquet"
        pq.write_table(
            table.slice(part * (len(table) // 2), len(table) if part else len(table) // 2), root / "_delta_log" / name
        )
    whole.unlink()
    before = independent(root, 7)
    for version in range(7):
        (root / "_delta_log" / f"{version:020d}.json").unlink()
    assert texts(read_snapshot(Location.of(root), 6).files) == [text for text in before if text != "row 40"]
    assert texts(read_snapshot(Location.of(root), 7).files) == before
    (root / "_delta_log" / f"{6:020d}.checkpoint.{1:010d}.{2:010d}.parquet").unlink()
    with pytest.raises(InputError, match="lacks the commit of version 0"):
        read_snapshot(Location.of(root))


def test_a_vacuumed_table_has_its_current_rows(root):
    DeltaTable(root).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert texts(read_snapshot(Location.of(root)).files) == independent(root)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (6, 7)])
def test_what_a_later_version_added(root, old, new):
    gained = texts(added_between(Location.of(root), old, new))
    before, after = independent(root, old), independent(root, new)
    assert sorted(before + gained) == after


def test_rows_that_came_and_went_in_between_are_no_matter(tmp_path):
    write_deltalake(tmp_path, rows(0, 2))
    write_deltalake(tmp_path, rows(2, 2), mode="append")
    DeltaTable(tmp_path).delete("text = 'row 2'")
    assert texts(added_between(Location.of(tmp_path), 0, 2)) == ["row 3"]


@pytest.mark.parametrize(
    ("old", "new", "version", "operation"), [(2, 3, 3, "DELETE"), (0, 7, 3, "DELETE"), (5, 6, 6, "WRITE")]
)
def test_a_version_that_took_rows_back_is_refused(root, old, new, version, operation):
    with pytest.raises(InputError) as caught:
        added_between(Location.of(root), old, new)
    assert f"version {version} ({operation}) removed or rewrote rows that were counted" in str(caught.value)
    assert "What was counted cannot be removed" in str(caught.value)


def test_an_earlier_version_and_a_log_without_the_counted_one_are_refused(root):
    with pytest.raises(InputError, match="version 5 was counted, but 2 is earlier"):
        added_between(Location.of(root), 5, 2)
    (root / "_delta_log" / f"{4:020d}.json").unlink()
    with pytest.raises(InputError, match="version 4 was counted, but the log no longer has it"):
        added_between(Location.of(root), 4, 5)
    with pytest.raises(InputError, match="what version 4 changed is no longer in the log"):
        added_between(Location.of(root), 3, 5)


def test_rows_that_were_compacted_and_vacuumed_cannot_be_told(root):
    DeltaTable(root).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(InputError, match="was added and then compacted, and VACUUM removed it"):
        added_between(Location.of(root), 3, 5)


def change(root: Path, **actions) -> None:
    """Write one more commit."""
    version = max(int(path.stem) for path in (root / "_delta_log").glob("*.json")) + 1
    lines = [json.dumps({kind: value}) for kind, value in actions.items()]
    (root / "_delta_log" / f"{version:020d}.json").write_text("\n".join(lines))


PROTOCOL = {"minReaderVersion": 3, "minWriterVersion": 7, "writerFeatures": []}


@pytest.mark.parametrize(
    ("actions", "problem"),
    [
        ({"protocol": {"minReaderVersion": 4, "minWriterVersion": 7}}, "it requires reader version 4"),
        (
            {"protocol": {**PROTOCOL, "readerFeatures": ["catalogManaged", "deletionVectors"]}},
            "requires the reader features catalogManaged",
        ),
        ({"protocol": {**PROTOCOL, "readerFeatures": ["futureThing"]}}, "requires the reader features futureThing"),
    ],
)
def test_what_readers_must_know_and_leadterm_does_not_is_refused_by_name(tmp_path, actions, problem):
    write_deltalake(tmp_path, rows(0, 2))
    change(tmp_path, **actions)
    with pytest.raises(InputError) as caught:
        read_snapshot(Location.of(tmp_path))
    assert problem in str(caught.value)
    assert "give Spark the connector" in str(caught.value)
    assert texts(read_snapshot(Location.of(tmp_path), 0).files) == ["row 0", "row 1"]


def test_features_that_change_no_row_are_passed(tmp_path):
    write_deltalake(tmp_path, rows(0, 2))
    change(tmp_path, protocol={**PROTOCOL, "readerFeatures": ["timestampNtz", "deletionVectors", "columnMapping"]})
    assert texts(read_snapshot(Location.of(tmp_path)).files) == ["row 0", "row 1"]


@pytest.mark.parametrize("mode", ["name", "id"])
def test_columns_with_other_names_in_the_files_are_refused(tmp_path, mode):
    write_deltalake(tmp_path, rows(0, 2))
    first = [json.loads(line) for line in (tmp_path / "_delta_log" / f"{0:020d}.json").read_text().splitlines()]
    metadata = next(line["metaData"] for line in first if "metaData" in line)
    change(tmp_path, metaData={**metadata, "configuration": {"delta.columnMapping.mode": mode}})
    with pytest.raises(InputError, match=rf"other names in the files \(column mapping by {mode}\)"):
        read_snapshot(Location.of(tmp_path))


def test_deletion_vectors_are_refused_while_they_count(tmp_path):
    write_deltalake(tmp_path, rows(0, 2))
    add = next(
        json.loads(line)["add"]
        for line in (tmp_path / "_delta_log" / f"{0:020d}.json").read_text().splitlines()
        if "add" in line[:6]
    )
    vector = {
        "storageType": "u",
        "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^",
        "offset": 4,
        "sizeInBytes": 40,
        "cardinality": 1,
    }
    change(tmp_path, remove={"path": add["path"], "dataChange": True}, add={**add, "deletionVector": vector})
    for ask in (lambda: read_snapshot(Location.of(tmp_path)), lambda: added_between(Location.of(tmp_path), 0, 1)):
        with pytest.raises(InputError, match=r"deleted by a deletion vector|removed or rewrote rows"):
            ask()
    change(tmp_path, remove={"path": add["path"], "dataChange": False, "deletionVector": vector})
    assert read_snapshot(Location.of(tmp_path)).files == ()


def test_what_is_no_table_or_damaged_is_told(tmp_path):
    with pytest.raises(InputError, match=r"is not a Delta table: it has no folder _delta_log"):
        read_snapshot(Location.of(tmp_path))
    write_deltalake(tmp_path, rows(0, 2))
    with pytest.raises(InputError, match=r"has no version 3; its latest is 0. Correct corpus.version"):
        read_snapshot(Location.of(tmp_path), 3)
    (tmp_path / "_delta_log" / f"{1:020d}.json").write_text('{"add": {"pa')
    with pytest.raises(InputError, match=r"00001.json, a part of the table's log, cannot be read"):
        read_snapshot(Location.of(tmp_path))
