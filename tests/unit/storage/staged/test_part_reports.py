"""A report counts only if it and all files that it tells of are as they were, in the folder where they were made."""

import hashlib
import shutil
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from leadterm.storage import Location
from leadterm.storage.staged.part_reports import REPORT_SUFFIX, drop_others, finish, finished
from support.flipping import DAMAGES
from support.jobs import names_in

NAMES = ["a", "b"]


def write(folder: Location, names: list[str]) -> pa.Table:
    """Write some files; their report, in which stands another one that was not written."""
    rows = [{"place": None, "bytes": 3, "sha256": "0" * 64, "vector": b"\0"}]
    for name in names:
        (folder / name).write_bytes(name.encode() * 50)
        sha256 = hashlib.sha256(name.encode() * 50).hexdigest()
        rows.append({"place": (folder / name).uri, "bytes": 50 * len(name), "sha256": sha256, "vector": b"\0\xff"})
    return pa.Table.from_pylist(rows)


@pytest.fixture
def folder(tmp_path) -> Location:
    return Location.of(tmp_path / "parts")


def test_what_is_finished_is_found(folder):
    report = write(folder, NAMES)
    assert finished(folder, "part") is None
    finish(folder, "part", report)
    assert finished(folder, "part") == report
    assert folder.names() == [*NAMES, f"part{REPORT_SUFFIX}"]
    finish(folder, "none", report[:0])
    assert finished(folder, "none") == report[:0]
    text = pa.table({"text": ["ä", "𝐀"]})
    finish(folder, "text", text)
    assert finished(folder, "text") == text


@pytest.mark.parametrize("name", [*NAMES, f"part{REPORT_SUFFIX}"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_not_finished(folder, name, damage):
    finish(folder, "part", write(folder, NAMES))
    DAMAGES[damage](Path((folder / name).path))
    assert finished(folder, "part") is None


def test_no_bit_of_a_report_can_change(folder):
    finish(folder, "part", write(folder, NAMES))
    place = Path((folder / f"part{REPORT_SUFFIX}").path)
    whole = place.read_bytes()
    for at in range(len(whole)):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        assert finished(folder, "part") is None, at
        place.write_bytes(whole[:at])
        assert finished(folder, "part") is None, at


def test_a_copy_of_the_folder_has_nothing_that_is_finished(folder, tmp_path):
    """Its report tells of files that another folder holds."""
    finish(folder, "part", write(folder, NAMES))
    shutil.copytree(folder.path, tmp_path / "copy")
    assert finished(Location.of(tmp_path / "copy"), "part") is None


def test_what_belongs_to_no_report_goes(folder):
    reports = {name: write(folder, [name]) for name in NAMES}
    for name, report in reports.items():
        finish(folder, name, report)
    (folder / ".c.partial-1").write_bytes(b"")
    finish(folder, "kept", pa.table({"text": ["a"]}))
    drop_others(folder, {"a": reports["a"], "kept": pa.table({"text": ["a"]})})
    assert names_in(Path(folder.path)) == ["a", f"a{REPORT_SUFFIX}", f"kept{REPORT_SUFFIX}"]
    drop_others(folder, {})
    assert names_in(Path(folder.path)) == []


def test_on_an_object_store():
    folder = Location.of("memory://bucket/parts")
    try:
        report = write(folder, NAMES)
        finish(folder, "part", report)
        drop_others(folder, {"part": report})
        assert finished(folder, "part") == report
        (folder / "a").write_bytes(b"b" * 50)
        assert finished(folder, "part") is None
    finally:
        fsspec.filesystem("memory").store.clear()
