"""The file of scores: what is written comes back, and what was changed is refused."""

import numpy as np
import pyarrow as pa
import pytest

from leadterm.errors import RunError
from leadterm.storage import Location
from leadterm.storage.formats import score_file as store
from leadterm.storage.formats.score_file import map_scores, write_scores

OFFSETS = np.array([0, 2, 2, 5, 6], dtype=np.int64)
COLUMNS = np.array([1, 3, 0, 1, 2, 3], dtype=np.int32)
SIZE = 4
SCORES = np.array([0.5, -1.0, 2.0, -0.25, 1e-9, 3.0])


def written(folder, name="scores"):
    sink = write_scores(Location.of(folder / name), OFFSETS, COLUMNS, SCORES)
    return str(folder / name), sink.sha256


@pytest.mark.parametrize("entries", [1, 4, 5, 6])
def test_rows_come_back(tmp_path, monkeypatch, entries):
    monkeypatch.setattr(store, "BATCH_ENTRIES", entries)
    found = map_scores(*written(tmp_path), SIZE)
    assert [array.dtype for array in found.arrays] == [np.int32, np.float64, np.int64, np.int64, np.int64]
    for number in range(SIZE):
        columns, values = found.row(number)
        expected = slice(OFFSETS[number], OFFSETS[number + 1])
        assert columns.tolist() == COLUMNS[expected].tolist()
        assert values.tolist() == SCORES[expected].tolist()


def test_equal_scores_give_equal_bytes_and_any_arrow_reader_opens_them(tmp_path):
    (path, first), (_, second) = written(tmp_path), written(tmp_path, "again")
    assert first == second
    table = pa.ipc.open_file(path).read_all()
    assert table["row"].to_pylist() == [0, 2, 3]
    assert table.schema.metadata[b"leadterm.axes"] == b"NEXT x CONTEXT"


def test_no_scores_at_all(tmp_path):
    empty = np.zeros(0)
    sink = write_scores(Location.of(tmp_path / "a"), np.zeros(4, dtype=np.int64), empty.astype(np.int32), empty)
    assert map_scores(str(tmp_path / "a"), sink.sha256, SIZE).lengths.tolist() == [0] * SIZE


def test_a_file_that_changed_is_refused_though_it_was_read_before(tmp_path):
    path, sha256 = written(tmp_path)
    assert map_scores(path, sha256, SIZE).lengths.any()
    write_scores(Location.of(path), OFFSETS, COLUMNS, -SCORES)
    with pytest.raises(RunError, match=r"is damaged: its SHA-256 is .*Run the job compose_weights again"):
        map_scores(path, sha256, SIZE)


def test_a_file_that_this_machine_does_not_see(tmp_path):
    with pytest.raises(RunError, match=r"cannot be opened on this machine .* set attention\.distribution to spark"):
        map_scores(str(tmp_path / "none"), "", SIZE)
