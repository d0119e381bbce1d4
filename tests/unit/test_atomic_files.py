"""Files and folders that are whole or absent."""

import pytest

from leadterm.atomic_files import whole
from leadterm.errors import MachineError


def test_a_file_and_a_folder_replace_what_was_there(tmp_path):
    for text in ("first", "second"):
        with whole(tmp_path / "new" / "file") as partial:
            partial.write_text(text)
            assert partial.parent == tmp_path / "new"
        with whole(tmp_path / "folder") as partial:
            partial.mkdir()
            (partial / text).touch()
    assert (tmp_path / "new" / "file").read_text() == "second"
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["second"]
    assert {path.name for path in tmp_path.iterdir()} == {"new", "folder"}


def test_work_in_progress_lies_where_it_is_told_to(tmp_path):
    with whole(tmp_path / "new" / "file", tmp_path / "scratch") as partial:
        partial.write_text("text")
        assert partial.parent == tmp_path / "scratch"
        assert not (tmp_path / "new" / "file").exists()
    assert (tmp_path / "new" / "file").read_text() == "text"
    assert not list((tmp_path / "scratch").iterdir())


def test_what_was_there_stays_if_the_block_raises(tmp_path):
    (tmp_path / "file").write_text("before")
    with pytest.raises(KeyError), whole(tmp_path / "file") as partial:
        partial.write_text("half")
        raise KeyError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "before")]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(MachineError, match=r"cannot write .*under: .* Choose a folder that you can write to"),
        whole(tmp_path / "file" / "under"),
    ):
        pass
