"""Windows on disk: what a task reads of them is what was written, every byte of it, and can be windows."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.errors import RunError
from leadterm.storage import Location
from leadterm.storage.formats import windows_files as windows_module
from leadterm.storage.formats.windows_files import SCHEMA, WindowsFiles, windows_file
from leadterm.storage.integrity.verified_reader import Written
from support.written_runs import write_windows_file


def put_windows(folder: Location, names: Sequence[str], lists: list[list[int]], size: int, length: int) -> WindowsFiles:
    """Write the same windows to some files."""
    columns = [range(len(lists)), pa.array([0] * len(lists), pa.int32()), pa.array(lists, SCHEMA.types[2])]
    table = pa.table(columns, schema=SCHEMA)
    files = {name: Written.of(write_windows_file(folder / name, table)) for name in names}
    return WindowsFiles(folder.uri, size, length, files)


def test_row_groups_of_windows_are_read_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(windows_module, "ROW_GROUP_TOKENS", 5)
    lists = [[1, 2, 3], [4, 5], [6, 7], [8, 9, 10, 11], [12, 13]]
    files = put_windows(Location.of(tmp_path), "ab", lists, 14, 3)
    tokens, offsets = files.read_row_groups([("a", 1, 6), ("a", 2, 2), ("b", 0, 5)])
    assert tokens.tolist() == [6, 7, 8, 9, 10, 11, 12, 13, 1, 2, 3, 4, 5]
    assert offsets.tolist() == [0, 2, 6, 8, 11, 13]
    assert (tokens.dtype, offsets.dtype) == (np.int32, np.int64)


def test_a_file_has_its_name_when_it_is_whole(tmp_path):
    """So of two attempts that write it at once neither changes what the other has written."""
    place = Location.of(tmp_path) / "a"
    table = pa.table([[1], pa.array([0], pa.int32()), pa.array([[1, 2]], SCHEMA.types[2])], schema=SCHEMA)
    with windows_file(place) as (file, _):
        file.append(table)
        assert [name[0] for name in Location.of(tmp_path).names()] == ["."]
        written = write_windows_file(place, table)
        assert place.sha256() == written.sha256
    assert place.sha256() == written.sha256
    with pytest.raises(RuntimeError), windows_file(Location.of(tmp_path) / "b"):
        raise RuntimeError
    assert Location.of(tmp_path).names() == ["a"]


GROUPS = [("a", 0, 40), ("a", 1, 40), ("a", 2, 20)]


@pytest.fixture
def three_groups(tmp_path, monkeypatch) -> WindowsFiles:
    monkeypatch.setattr(windows_module, "ROW_GROUP_TOKENS", 40)
    lists = np.random.default_rng(1).integers(0, 9, size=(10, 10)).tolist()
    return put_windows(Location.of(tmp_path), "a", lists, 9, 9)


def as_before(files: WindowsFiles) -> WindowsFiles:
    """What a manifest of an earlier version says: no hash but that of the whole file."""
    known = {name: replace(one, tail_bytes=0, tail_sha256="") for name, one in files.files.items()}
    return replace(files, files=known)


def test_a_task_finds_any_wrong_byte_of_what_it_reads_and_reads_no_other(three_groups, tmp_path):
    place, data = tmp_path / "a", (tmp_path / "a").read_bytes()
    metadata = pq.ParquetFile(place).metadata
    ends = [0, *(metadata.row_group(i).column(0).data_page_offset for i in (1, 2))]
    ends.append(len(data) - three_groups.files["a"].tail_bytes)
    assert ends == sorted(ends)
    for at in {*range(0, len(data), 11), *ends[:-1], *(end - 1 for end in ends[1:]), ends[-1], len(data) - 1}:
        place.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        hurt = [i for i in range(3) if ends[i] <= at < ends[i + 1]] or [0, 1, 2]
        for i in range(3):
            if i in hurt:
                with pytest.raises(RunError, match=rf"^{place} is damaged or missing: .*SHA-256 of its .*; encode aga"):
                    three_groups.read_row_groups([GROUPS[i]])
            else:
                assert three_groups.read_row_groups([GROUPS[i]])[0].size == GROUPS[i][2]


def test_files_of_an_earlier_version_are_hashed_as_a_whole_once(three_groups, tmp_path, monkeypatch):
    before, hashed = as_before(three_groups), []
    real = Location.sha256
    monkeypatch.setattr(Location, "sha256", lambda self: hashed.append(self.name) or real(self))
    expected = [array.tolist() for array in three_groups.read_row_groups(GROUPS)]
    for _ in range(2):
        assert [array.tolist() for array in before.read_row_groups(GROUPS)] == expected
    assert hashed == ["a"]
    data = bytearray((tmp_path / "a").read_bytes())
    data[-9] ^= 1
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(RunError, match="is damaged or missing: its SHA-256 is"):
        before.read_row_groups(GROUPS)


@pytest.mark.parametrize(
    ("size", "length", "reason"),
    [
        (8, 9, "Token ids of windows must be 0 to 7; found 0 to 8; encode again"),
        (9, 8, "Windows must have at most 9 tokens; found one of 10; encode again"),
    ],
)
def test_windows_that_kernels_would_write_beyond_their_arrays_for_are_refused(three_groups, size, length, reason):
    files = replace(three_groups, vocabulary_size=size, length=length)
    with pytest.raises(RunError, match=re.escape(reason)):
        files.read_row_groups(GROUPS)
    with pytest.raises(RunError, match=re.escape(reason)):
        list(files.tables("a"))


def test_a_row_group_of_another_length_than_the_manifest_says(three_groups):
    with pytest.raises(RunError, match="a is damaged or missing: row group 2 holds 20 tokens, not 19; encode again"):
        three_groups.read_row_groups([("a", 2, 19)])
