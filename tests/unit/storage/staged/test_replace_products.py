"""Products that replace others together: killed at any moment, they are the old ones, the new ones, or refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import fsspec
import pytest

from leadterm.errors import RunError
from leadterm.storage import Location, Manifest, read_manifest, staging
from leadterm.storage.formats.small_tables import stage_bytes
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.staged.replace_products import SWAP, finish_swaps, replacement, sole_replacer
from leadterm.storage.stored_run import StoredRun
from support.dying import Killed, dying_after

NAMES = ("bigram", "context", "vocabulary", "windows")
ENCODED = NAMES[2:]
Products = dict[str, tuple[str, str]]


@pytest.fixture(params=["local", "memory"])
def run(request, tmp_path: Path) -> Iterator[Location]:
    place = Location.of(tmp_path / "run" if request.param == "local" else "memory://bucket/run")
    yield place
    place.remove()
    fsspec.filesystem("memory").store.clear()


def write(run: Location, content: str, extra: str) -> None:
    """Write all products with some content, and a file that only they have."""
    with staging(run) as stage:
        for name in reversed(NAMES):
            made_from = {"corpus": content}
            if name not in ENCODED:
                windows = read_manifest(run, "windows")
                assert windows is not None
                made_from = {"windows": windows.content_hash}
            files = {"data": content, extra: name}
            staged = [stage_bytes(stage, file, text.encode()) for file, text in files.items()]
            parts, entries = zip(*staged, strict=True)
            counts = {"vocabulary_size": 1, "positions": 1, "windows": 1}
            stage.commit(Manifest(name, made_from, {}, counts, entries), parts)


def swap(run: Location) -> None:
    with replacement(run) as fresh:
        write(fresh, "new", "only-new")


def opened(run: Location) -> Products | None:
    """Open all products as a reader does; None if one is refused."""
    try:
        stored = StoredRun(run)
        return {name: (name, _content(run, stored.manifest(name))) for name in NAMES}
    except RunError as error:
        assert any(reason in str(error) for reason in ("is inconsistent", "has no product"))
        return None


def _content(run: Location, manifest: Manifest) -> str:
    """Read the files of a product, which must be those of its manifest."""
    assert (run / manifest.product).names() == sorted([*(entry.name for entry in manifest.files), "manifest.json"])
    return (run / manifest.product / "data").read_bytes().to_pybytes().decode()


OLD, NEW = ({name: (name, content) for name in NAMES} for content in ("old", "new"))


def test_all_products_are_replaced_and_nothing_else_is_left(run):
    write(run, "old", "only-old")
    assert opened(run) == OLD
    swap(run)
    assert opened(run) == NEW
    assert run.names() == sorted(NAMES)


def killed_at_every_moment(run: Location, prepare: Callable[[], None], work: Callable[[], None]) -> Iterator[int]:
    """Do the work and be killed at its n-th change to the disk, for every n; the run is then as death left it."""
    moment = 0
    while True:
        run.remove()
        prepare()
        try:
            with dying_after(moment):
                work()
        except Killed:
            yield moment
        else:
            return
        moment += 1


def test_killed_at_any_moment_it_is_old_or_new_or_refused_and_then_finished(run):
    seen, refused = [], 0
    for _moment in killed_at_every_moment(run, lambda: write(run, "old", "only-old"), lambda: swap(run)):
        found = opened(run)
        assert found in (OLD, NEW, None)
        is_decided = finish_swaps(run)
        after = opened(run)
        assert after == (NEW if is_decided or found == NEW else OLD)
        refused += found is None
        seen.append(after == NEW)
    assert seen == sorted(seen), "once new, always new"
    assert not seen[0]
    assert seen[-1]
    assert refused >= len(NAMES) - 1


def test_killed_while_it_goes_on_it_goes_on_again(run):
    def stop_in_the_middle() -> None:
        write(run, "old", "only-old")
        with pytest.raises(Killed), patch("leadterm.storage.staged.replace_products._take_place", side_effect=Killed):
            swap(run)

    for _moment in killed_at_every_moment(run, stop_in_the_middle, lambda: finish_swaps(run)):
        assert opened(run) in (OLD, NEW, None)
        finish_swaps(run)
        assert opened(run) == NEW
        assert finish_swaps(run) is False


def test_a_check_tells_what_is_left_of_a_replacement(run):
    write(run, "old", "only-old")
    write(run / f"{SWAP}x", "new", "only-new")
    (problem,) = check_run(run).problems
    assert problem.startswith(f"{SWAP}x is unexpected: a job is running, or was interrupted")
    (run / f"{SWAP}x").remove()
    with pytest.raises(Killed), patch("leadterm.storage.staged.replace_products._take_place", side_effect=Killed):
        swap(run)
    (problem,) = check_run(run).problems
    assert problem.endswith(" contains the remains of an interrupted replacement: run leadterm add or any job again")


def test_a_failure_before_the_journal_changes_nothing(run):
    write(run, "old", "only-old")
    with pytest.raises(ValueError, match="in the block"), replacement(run) as fresh:
        write(fresh, "new", "only-new")
        raise ValueError("in the block")
    assert opened(run) == OLD
    assert run.names() == sorted(NAMES)


def test_products_that_are_not_replaced_stay(run):
    write(run, "old", "only-old")
    with replacement(run) as fresh, staging(fresh) as stage:
        part, entry = stage_bytes(stage, "page", b"")
        stage.commit(Manifest("report", {}, {}, {}, (entry,)), [part])
    assert opened(run) == OLD
    assert run.names() == sorted([*NAMES, "report"])


def test_one_process_replaces_at_a_time(run):
    write(run, "old", "only-old")
    with sole_replacer(run):
        with pytest.raises(RunError, match=r"another job, process \d+ on .*, is running in"), sole_replacer(run):
            pass
        swap(run)
    with pytest.raises(Killed), patch("leadterm.storage.staged.replace_products._take_place", side_effect=Killed):
        swap(run)
    with sole_replacer(run):
        assert opened(run) == NEW
    assert run.names() == sorted(NAMES)


def test_what_was_not_decided_is_removed(run):
    write(run, "old", "only-old")
    write(run / f"{SWAP}x", "new", "only-new")
    with sole_replacer(run):
        assert opened(run) == OLD
    assert run.names() == sorted(NAMES)
