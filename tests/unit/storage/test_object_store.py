"""Products on a filesystem without a rename of folders: an object store, here fsspec's in memory."""

from collections.abc import Iterator

import fsspec
import pytest

from leadterm.errors import InputError, RunError
from leadterm.storage import Location, Manifest, is_current, read_manifest, staging
from leadterm.storage.formats.small_tables import stage_bytes
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.read_products import read_verified


@pytest.fixture
def run() -> Iterator[Location]:
    yield Location.of("memory://bucket/run")
    fsspec.filesystem("memory").store.clear()


def commit(run: Location, data: bytes) -> Manifest:
    """Let a product of one file appear."""
    with staging(run) as stage:
        part, entry = stage_bytes(stage, "data.bin", data)
        manifest = Manifest("windows", {"corpus": "hash"}, {"length": 8}, {}, (entry,))
        stage.commit(manifest, [part])
    return manifest


def test_a_product_is_written_and_read_back(run: Location) -> None:
    manifest = commit(run, b"first")
    assert not run.is_local
    assert run.names() == ["windows"]
    assert read_manifest(run, "windows") == manifest
    assert bytes(read_verified(run, "windows", manifest.files[0])) == b"first"
    assert is_current(run, "windows", {"corpus": "hash"}, {"length": 8}, overwrite=False)


def test_a_product_is_replaced_whole(run: Location) -> None:
    commit(run, b"first")
    manifest = commit(run, b"second")
    assert (run / "windows").names() == ["data.bin", "manifest.json"]
    assert bytes(read_verified(run, "windows", manifest.files[0])) == b"second"


def test_a_folder_without_a_manifest_is_no_product(run: Location) -> None:
    (run / "windows" / "data.bin").write_bytes(b"left over")
    assert read_manifest(run, "windows") is None
    with pytest.raises(RunError, match=r"exists but has no manifest.*--overwrite"):
        is_current(run, "windows", {}, {}, overwrite=False)


def test_a_run_there_is_checked(run: Location) -> None:
    commit(run, b"first")
    (run / "windows" / "data.bin").write_bytes(b"worst")
    (run / "windows" / "more" / "data.bin").write_bytes(b"left over")
    damaged, unexpected = check_run(run).problems
    assert damaged.startswith("windows/data.bin is damaged")
    assert unexpected == "windows/more/data.bin is unexpected: no manifest lists it"


def test_a_scheme_that_nobody_knows_is_named() -> None:
    with pytest.raises(InputError, match=r"cannot open nowhere://bucket/run"):
        Location.of("nowhere://bucket/run")
