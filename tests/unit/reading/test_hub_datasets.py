"""Files of the hub, listed at a commit and read, from a small hub on this machine."""

import hashlib
import io
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from leadterm.errors import InputError
from leadterm.reading.hub_datasets import HubPath, pin_revision, pin_revisions
from leadterm.reading.table_roots import refuse_table_roots
from leadterm.storage.hub_filesystem import known_sha256
from leadterm.storage.location import Location
from support.hub_server import DataSet, Hub, running_hub

NAME = "hf://datasets/owner/name"


def parquet(*texts: str) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": list(texts)}), sink)
    return sink.getvalue()


FILES = {
    "README.md": b"# texts",
    ".gitattributes": b"*",
    "data/en/a.parquet": parquet("the cat", "sat"),
    "data/en/b.parquet": parquet("on the mat"),
    "data/de/c.parquet": parquet("die Katze"),
    "data/de/_tmp/d.parquet": parquet("half written"),
    "lines/e.jsonl": b'{"text": "short"}\n',
    "odd name #1.jsonl": b'{"text": "odd"}\n',
}


@pytest.fixture
def hub(monkeypatch):
    with running_hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"  # Both are made of HF_ENDPOINT on import.
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        running.datasets["owner/name"] = DataSet()
        yield running


@pytest.fixture
def commit(hub: Hub) -> str:
    return hub.datasets["owner/name"].commit(FILES)


def paths_at(path: str) -> list[str]:
    """List files, by their paths in the data set."""
    place = Location.of(pin_revision(path))
    return sorted(place.files())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("hf://datasets/o/n", ("o/n", None, "")),
        ("hf://datasets/o/n/", ("o/n", None, "")),
        ("hf://datasets/o/n@v1.0/a/b.json", ("o/n", "v1.0", "a/b.json")),
        ("hf://datasets/o/n@feature%2Fx/a", ("o/n", "feature/x", "a")),
        ("hf://datasets/o/n@refs/convert/parquet/x/y", ("o/n", "refs/convert/parquet", "x/y")),
        ("hf://datasets/o/n@refs/pr/12", ("o/n", "refs/pr/12", "")),
        ("hf://datasets/o/n/mail@home.json", ("o/n", None, "mail@home.json")),
    ],
)
def test_a_url_is_taken_apart(url, expected):
    place = HubPath.of(url)
    assert (place.repo, place.revision, place.path) == expected
    assert place.url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["hf://owner/name", "hf://datasets/name", "hf://spaces/o/n", "hf://datasets/o/n@/a", "hf://"]
)
def test_what_is_no_data_set_is_refused(url):
    with pytest.raises(InputError, match=r"does not name a dataset .*expected hf://datasets/owner/name"):
        HubPath.of(url)


def test_a_revision_is_pinned_to_its_commit(hub, commit):
    assert pin_revision(f"{NAME}/data/*.parquet") == f"{NAME}@{commit}/data/*.parquet"
    assert pin_revision(f"{NAME}@main") == f"{NAME}@{commit}"
    asked = len(hub.asked)
    assert pin_revision(f"{NAME}@{commit}/a") == f"{NAME}@{commit}/a"
    assert len(hub.asked) == asked


@pytest.mark.parametrize("folder", ["", "/data", "@main/data/de", "/lines/"])
def test_files_are_listed(commit, folder):
    below = folder.removeprefix("@main").strip("/")
    expected = [path.removeprefix(below).lstrip("/") for path in FILES if path.startswith(below)]
    assert paths_at(f"{NAME}{folder}") == sorted(expected)


def test_a_branch_that_moves_after_the_listing_changes_nothing(hub, commit):
    (url,) = pin_revisions([f"{NAME}@main/data/en/a.parquet"])
    later = hub.datasets["owner/name"].commit({"data/en/a.parquet": parquet("other")})
    assert Location.of(url).read_bytes().to_pybytes() == FILES["data/en/a.parquet"]
    assert pin_revision(f"{NAME}@main") == f"{NAME}@{later}"
    assert paths_at(NAME) == ["data/en/a.parquet"]
    assert HubPath.of(url).name == HubPath.of(f"{NAME}@{later}/data/en/a.parquet").name == f"{NAME}/data/en/a.parquet"


def test_paths_of_one_data_set_are_listed_at_one_commit(hub, commit):
    paths = [f"{NAME}/data/en", "s3://b/a", f"{NAME}/data/de", f"{NAME}@main/lines"]
    assert pin_revisions(paths) == [
        f"{NAME}@{commit}/data/en",
        "s3://b/a",
        f"{NAME}@{commit}/data/de",
        f"{NAME}@{commit}/lines",
    ]
    assert [request for request in hub.asked if request == "GET /api/datasets/owner/name"] == [
        "GET /api/datasets/owner/name"
    ]


def test_the_hub_knows_hashes_of_large_files(commit, tmp_path):
    for path, data in FILES.items():
        place = Location.of(f"{NAME}@{commit}/{path}")
        expected = hashlib.sha256(data).hexdigest() if len(data) > 64 else None
        assert known_sha256(place.filesystem, place.path) == expected
    assert known_sha256(Location.of(tmp_path).filesystem, "a") is None


@pytest.mark.parametrize("path", ["data/en/a.parquet", "lines/e.jsonl", "odd name #1.jsonl"])
def test_a_file_is_read_whole_and_in_parts(hub, commit, path):
    place = Location.of(f"{NAME}@{commit}/{path}")
    assert place.size() == len(FILES[path])
    assert place.sha256() == hashlib.sha256(FILES[path]).hexdigest()
    with place.open_input() as file:
        assert file.size() == len(FILES[path])
        file.seek(5)
        assert file.read(4) == FILES[path][5:9]
    assert any("bytes=" in request for request in hub.asked)


def test_parquet_is_read_from_the_hub(commit):
    with Location.of(f"{NAME}@{commit}/data/en/a.parquet").open_input() as file:
        assert pq.ParquetFile(file).read()["text"].to_pylist() == ["the cat", "sat"]


@pytest.mark.parametrize(
    ("url", "problem", "remedy"),
    [
        ("hf://datasets/owner/nome", "the hub has no such public dataset", "for a private dataset log in with"),
        (f"{NAME}@nowhere/data", "the hub has the dataset, but no such revision", "a branch, a tag or a commit."),
    ],
)
def test_what_is_not_there_is_told(commit, url, problem, remedy):
    for ask in (pin_revision, lambda url: Location.of(url).open_input()):
        with pytest.raises(InputError) as caught:
            ask(url)
        assert str(caught.value).startswith(url)
        assert problem in str(caught.value)
        assert remedy in str(caught.value)


@pytest.mark.parametrize("path", ["nowhere", "data/en/z.parquet", "data/nowhere/a.parquet"])
def test_there_is_nothing_at_a_path(commit, path):
    assert not Location.of(f"{NAME}@{commit}/{path}").exists()


def test_a_file_that_is_gone_when_it_is_read(commit):
    with pytest.raises(InputError, match="the hub has no such file or folder"):
        Location.of(f"{NAME}@{commit}/data/en/z.parquet").open_input()


def test_a_table_on_the_hub_is_refused(hub):
    log = {"t/_delta_log/00000000000000000000.json": b"{}"}
    commit = hub.datasets["owner/name"].commit(
        {**log, "t/day=1/a.parquet": FILES["data/en/a.parquet"], "b.parquet": b""}
    )
    refuse_table_roots([f"{NAME}@{commit}/b.parquet"])
    with pytest.raises(InputError, match=rf"day=1/a.parquet lies in {NAME}@{commit}/t, the root of a Delta table"):
        refuse_table_roots([f"{NAME}@{commit}/t/day=1/a.parquet"])


@pytest.mark.parametrize("gated", [True, False])
def test_a_data_set_that_needs_a_token(hub, commit, monkeypatch, gated):
    hub.datasets["owner/name"].token, hub.datasets["owner/name"].gated = "hf_secret", gated
    with pytest.raises(InputError) as caught:
        pin_revision(NAME)
    assert ("requires accepting its terms" if gated else "no such public dataset") in str(caught.value)
    assert "hf auth login" in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert len(paths_at(NAME)) == len(FILES)


def test_a_hub_that_is_out_of_reach_or_fails(hub, commit, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    hub.failing = 500
    with pytest.raises(InputError, match=r"the hub answered with an error .* Try again later"):
        pin_revision(NAME)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"the hub cannot be reached .* Check the network and HF_ENDPOINT"):
        pin_revision(NAME)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"HF_HUB_OFFLINE is set.* give the path of a folder"):
        pin_revision(NAME)
