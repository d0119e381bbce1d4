import hashlib
from pathlib import Path

import pytest
from pyarrow import fs

from leadterm.errors import InputError
from leadterm.storage import Location
from leadterm.storage.staged.hashing_sink import hashing_output


@pytest.mark.parametrize("name", ["plain", "with space", "ä%20?#", "a:b"])
def test_paths_and_urls_of_a_local_file_are_one_place(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    for place in (Location.of(tmp_path / name), Location.of((tmp_path / name).as_uri()), Location.of(tmp_path) / name):
        assert place.path == (tmp_path / name).as_posix()
        assert place.read_bytes().to_pybytes() == b"x"
        assert Location.of(place.uri).path == place.path  # what executors do
        assert place.is_local


def test_a_relative_path_is_made_absolute_for_executors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Location.of("runs/demo").path == Location.of(Path("runs/demo")).path == f"{tmp_path.as_posix()}/runs/demo"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("s3://bucket/runs/a?region=eu-west-1", "S3FileSystem"),
        ("s3://bucket/runs/a/?endpoint_override=localhost:9000&scheme=http&region=x", "S3FileSystem"),
        ("gs://anonymous@bucket/runs/a", "GcsFileSystem"),
        ("abfs://bucket@account.dfs.core.windows.net/runs/a", "AzureFileSystem"),
    ],
)
def test_a_cloud_s_url_leads_an_executor_to_the_same_place(url, kind):
    """No cloud is asked: a URL alone says where."""
    part = Location.of(url) / "windows" / "manifest.json"
    again = Location.of(part.uri)
    assert type(again.filesystem).__name__ == kind
    assert again.path == part.path == "bucket/runs/a/windows/manifest.json"
    assert again.filesystem.equals(part.filesystem)


def test_a_scheme_that_nobody_knows():
    with pytest.raises(InputError, match=r"cannot open nosuch://bucket/x"):
        Location.of("nosuch://bucket/x")


def test_reading_moving_and_removing(tmp_path):
    place = Location.of(tmp_path / "a" / "b")
    assert (place.kind(), place.names()) == (fs.FileType.NotFound, [])
    (place / "z").write_bytes(b"1")
    (place / "y" / "x").write_bytes(b"")
    assert place.names() == ["y", "z"]
    assert (place / "z").sha256() == hashlib.sha256(b"1").hexdigest()
    (place / "y").move_to(Location.of(tmp_path / "new" / "y"))
    assert (tmp_path / "new" / "y" / "x").exists()
    place.remove()
    place.remove()  # what is not there needs no removing
    assert not (tmp_path / "a" / "b").exists()
    (Location.of(tmp_path) / "new").remove()
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_the_sink_knows_what_went_through_it(tmp_path):
    with hashing_output(Location.of(tmp_path / "file")) as sink:
        sink.write(b"abc")
        sink.write(memoryview(b"defg"))
    assert (tmp_path / "file").read_bytes() == b"abcdefg"
    assert (sink.n_bytes, sink.sha256) == (7, hashlib.sha256(b"abcdefg").hexdigest())


def test_a_failed_write_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), hashing_output(Location.of(tmp_path / "file")) as sink:
        sink.write(b"abc")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
