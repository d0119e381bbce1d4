"""Links are followed by those who read, never by those who delete; what is no file is never opened."""

import os
from pathlib import Path

import pytest

from leadterm.storage import Location, Manifest, staging


@pytest.fixture
def outside(tmp_path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    return folder


@pytest.mark.parametrize("target", ["outside", "outside/mine", "nowhere"])
def test_of_a_link_the_link_is_removed(tmp_path, outside, target):
    (tmp_path / "link").symlink_to(tmp_path / target)
    Location.of(tmp_path / "link").remove()
    assert not (tmp_path / "link").is_symlink()
    assert (outside / "mine").read_text() == "mine"


def test_a_folder_is_removed_with_its_links_and_not_with_what_they_lead_to(tmp_path, outside):
    (tmp_path / "run/in").mkdir(parents=True)
    (tmp_path / "run/in/link").symlink_to(outside)
    (tmp_path / "run/in/file").symlink_to(outside / "mine")
    Location.of(tmp_path / "run").remove()
    assert not (tmp_path / "run").exists()
    assert (outside / "mine").read_text() == "mine"


def test_a_product_that_is_a_link_is_replaced_and_what_it_led_to_stays(tmp_path, outside):
    run = Location.of(tmp_path / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/bigram").symlink_to(outside)
    with staging(run) as stage:
        (stage.folder / "new").write_bytes(b"new")
        stage.commit(Manifest("bigram", {}, {}, {}, ()), [(stage.folder / "new", "new")])
    assert (outside / "mine").read_text() == "mine"
    assert sorted(path.name for path in (tmp_path / "run/bigram").iterdir()) == ["manifest.json", "new"]
    assert not (tmp_path / "run/bigram").is_symlink()


def test_files_are_listed_once_though_links_lead_in_circles(tmp_path, outside):
    for name in ("a", "b"):
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "file").write_text(name)
        for link in ("one", "two"):
            (tmp_path / "run" / name / link).symlink_to(tmp_path / "run")
    (tmp_path / "run/product").symlink_to(outside)
    (tmp_path / "run/dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "run/pipe")
    assert Location.of(tmp_path / "run").files() == {"a/file": 1, "b/file": 1, "product/mine": 4}


@pytest.mark.parametrize("opened", [Location.read_bytes, Location.open_input, Location.open_stream, Location.sha256])
def test_a_pipe_is_not_waited_for(tmp_path, opened):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file but a pipe, a socket or a device"):
        opened(Location.of(tmp_path / "pipe"))
