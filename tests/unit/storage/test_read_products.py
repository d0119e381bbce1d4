import pytest

from leadterm.errors import RunError
from leadterm.storage import FileEntry, Location, Manifest, is_current, read_manifest, require_manifest, staging
from leadterm.storage.formats.small_tables import stage_bytes
from leadterm.storage.read_products import PARTS, read_verified
from leadterm.storage.staged.hashing_sink import hashing_output
from support.jobs import names_in

MADE_FROM, SETTINGS = {"corpus": "c" * 64}, {"windows": {"length": 3}, "list": (1, 2)}


def commit(run: Location, data: bytes = b"data", product: str = "windows") -> Manifest:
    with staging(run) as stage:
        part, entry = stage_bytes(stage, "file", data)
        manifest = Manifest(product, MADE_FROM, SETTINGS, {"windows": 1}, (entry,))
        stage.commit(manifest, [part])
    return manifest


def test_a_product_comes_back_and_nothing_else_is_there(tmp_path):
    run = Location.of(tmp_path / "run")
    manifest = commit(run)
    found = read_manifest(run, "windows")
    assert found.to_json() == manifest.to_json()
    assert found.content_hash == manifest.content_hash
    assert read_verified(run, "windows", found.files[0]).to_pybytes() == b"data"
    assert names_in(tmp_path / "run") == ["windows"]
    assert names_in(tmp_path / "run" / "windows") == ["file", "manifest.json"]


def test_the_content_hash_is_of_names_and_bytes():
    def hash_of(*files):
        return Manifest("p", {}, {}, {}, tuple(FileEntry(name, 1, sha) for name, sha in files)).content_hash

    base = hash_of(("a", "1"), ("b", "2"))
    assert base == hash_of(("a", "1"), ("b", "2"))
    assert len({base, hash_of(("a", "2"), ("b", "1")), hash_of(("a", "1")), hash_of(("c", "1"), ("b", "2"))}) == 4
    slow = Manifest("p", {}, {}, {}, (FileEntry("a", 1, "1"),), seconds={"count": 9.0})
    assert slow.content_hash == hash_of(("a", "1"))


def test_a_new_product_replaces_the_old_one_whole(tmp_path):
    run = Location.of(tmp_path / "run")
    commit(run)
    (tmp_path / "run" / "windows" / "left-over").write_bytes(b"")
    commit(run, b"new")
    assert names_in(tmp_path / "run" / "windows") == ["file", "manifest.json"]
    assert (tmp_path / "run" / "windows" / "file").read_bytes() == b"new"
    assert names_in(tmp_path / "run") == ["windows"]


@pytest.mark.parametrize("before", [False, True])
def test_a_failure_before_the_commit_changes_nothing(tmp_path, before):
    run = Location.of(tmp_path / "run")
    if before:
        commit(run)
    with pytest.raises(KeyboardInterrupt), staging(run) as stage:
        stage_bytes(stage, "file", b"other")
        raise KeyboardInterrupt
    assert (tmp_path / "run").exists() == before
    if before:
        assert names_in(tmp_path / "run") == ["windows"]
        assert (tmp_path / "run" / "windows" / "file").read_bytes() == b"data"


def test_a_task_that_outlives_its_job_brings_nothing_back(tmp_path):
    run = Location.of(tmp_path / "run")
    commit(run)
    with staging(run) as stage:
        late = stage.folder / PARTS / "late"
        with hashing_output(late) as sink:
            sink.write(b"in time")
    with pytest.raises(FileNotFoundError), hashing_output(late):
        pass
    assert names_in(tmp_path / "run") == ["windows"]


def test_the_same_is_current_and_the_rest_is_refused_or_replaced(tmp_path):
    run = Location.of(tmp_path / "run")
    assert not is_current(run, "windows", MADE_FROM, SETTINGS, overwrite=False)
    commit(run)
    assert is_current(run, "windows", MADE_FROM, SETTINGS, overwrite=False)
    assert is_current(run, "windows", MADE_FROM, SETTINGS, overwrite="differing")
    assert not is_current(run, "windows", MADE_FROM, SETTINGS, overwrite=True)
    for made_from, settings, named in (
        ({"corpus": "d" * 64}, SETTINGS, r"made from corpus: c{16}… there, d{16}… now"),
        (MADE_FROM, SETTINGS | {"windows": {"length": 4}}, r"windows\.length: 3 there, 4 now"),
        (MADE_FROM, SETTINGS | {"new": 1}, r"new: None there, 1 now"),
        (MADE_FROM, {"windows": {"length": 3}}, r"list: \[1, 2\] there, None now"),
    ):
        with pytest.raises(RunError, match=rf"its 'windows' differs in {named}.*--overwrite"):
            is_current(run, "windows", made_from, settings, overwrite=False)
        assert not is_current(run, "windows", made_from, settings, overwrite=True)
        assert not is_current(run, "windows", made_from, settings, overwrite="differing")


def test_a_folder_that_leadterm_did_not_make_is_left_alone(tmp_path):
    (tmp_path / "run" / "windows").mkdir(parents=True)
    run = Location.of(tmp_path / "run")
    with pytest.raises(RunError, match=r"windows exists but has no manifest.*--overwrite"):
        is_current(run, "windows", MADE_FROM, SETTINGS, overwrite=False)
    assert not is_current(run, "windows", MADE_FROM, SETTINGS, overwrite=True)


def test_what_is_missing_is_named_with_its_job(tmp_path):
    run = Location.of(tmp_path / "run")
    with pytest.raises(RunError, match=r"has no product 'bigram'; there is no such folder. Run the job count"):
        require_manifest(run, "bigram")
    commit(run)
    with pytest.raises(RunError, match=r"has no product 'bigram'; it holds windows. Run the job count"):
        require_manifest(run, "bigram")


def test_a_run_cannot_be_a_file(tmp_path):
    (tmp_path / "run").write_text("")
    with (
        pytest.raises(RunError, match=r"run is a file; the output must be a folder"),
        staging(Location.of(tmp_path / "run")),
    ):
        pass
    with pytest.raises(RunError, match=r"run is a file; a run is a folder"):
        require_manifest(Location.of(tmp_path / "run"), "windows")
