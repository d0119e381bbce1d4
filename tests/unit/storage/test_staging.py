"""A staging folder is where a stopped job goes on, one job at a time, and nothing of it stays for ever."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from leadterm.errors import InputError, MachineError, RunError
from leadterm.storage import Location, Stage, forget, is_current, staging
from leadterm.storage.staged import lease as owners
from leadterm.storage.staged.lease import OWNER, Owner
from support.jobs import names_in

STAGE = Stage("count", {"windows": "w" * 64}, {"scale_bits": 32}, {"units": "u"})


def stop(run: Path, error: BaseException | None, stage: Stage | None = STAGE, *names: str) -> Path:
    """Write some parts, and end a stage as an error does; returns its folder."""
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, staging(Location.of(run), stage) as staged:
        for name in names:
            (staged.parts / name).write_bytes(b"part")
        if error is not None:
            raise error
    return Path(staged.folder.path)


def own(folder: Path, pid: int, machine: str | None = None, started: str | None = None) -> None:
    """Let a process own a staging folder, by default one of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = owners.this_machine() if machine is None else machine
    began = owners._started(pid) if started is None else started
    fields = {"host": "somewhere", "pid": pid, "beat": 3, "machine": machine, "started": began or "1", "nonce": "n"}
    (folder / OWNER).write_text(json.dumps(fields))


def dead_process() -> int:
    """The number of a process that is over."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("error", [MachineError("full"), OSError("lost"), KeyboardInterrupt(), RuntimeError("Spark")])
def test_what_the_machine_ends_keeps_finished_parts_only(tmp_path, caplog, error):
    folder = stop(tmp_path / "run", error, STAGE, "sums-1", ".sums-2.partial-3")
    assert names_in(folder) == ["parts"]
    assert names_in(folder / "parts") == ["sums-1"]
    assert f"finished parts are kept in {folder}; run again to resume" in caplog.text
    with staging(Location.of(tmp_path / "run"), STAGE) as staged:
        assert staged.folder.path == str(folder)
        assert staged.parts.names() == ["sums-1"]
    assert not (tmp_path / "run").exists() or not names_in(tmp_path / "run")


@pytest.mark.parametrize(
    ("error", "stage", "names"),
    [
        (None, STAGE, ["sums-1"]),
        (InputError("wrong"), STAGE, ["sums-1"]),
        (KeyboardInterrupt(), STAGE, [".sums-1.partial-2"]),
        (KeyboardInterrupt(), STAGE, []),
        (KeyboardInterrupt(), None, ["sums-1"]),
    ],
)
def test_nothing_stays_of_what_is_done_refused_or_has_no_finished_part(tmp_path, error, stage, names):
    (tmp_path / "run").mkdir()
    stop(tmp_path / "run", error, stage, *names)
    assert names_in(tmp_path / "run") == []


@pytest.mark.parametrize(("name", "left"), [("chunk-1", ["chunk-1"]), (".chunk-1.partial-2", None)])
def test_counts_are_kept_as_parts_are(tmp_path, name, left):
    run = Location.of(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt), staging(run, STAGE) as staged:
        (staged.counts / name).write_bytes(b"counts")
        raise KeyboardInterrupt
    assert (names_in(Path(staged.counts.path)) if run.exists() else None) == left
    with staging(run, STAGE) as staged:
        assert staged.counts.names() == (left or [])
    assert not run.exists() or not run.names()


def test_all_that_parts_depend_on_names_the_folder(monkeypatch):
    others = [
        replace(STAGE, job="other"),
        replace(STAGE, made_from={"windows": "v" * 64}),
        replace(STAGE, settings={"scale_bits": 24}),
        replace(STAGE, details={}),
    ]
    names = {stage.folder for stage in [STAGE, *others]}
    monkeypatch.setattr("leadterm.storage.staged.staging_folder.__version__", "other")
    names.add(STAGE.folder)
    assert len(names) == 6
    assert all(name.startswith((".staging-count-", ".staging-other-")) for name in names)


def test_parts_of_other_settings_go_and_those_of_other_jobs_stay(tmp_path):
    run = tmp_path / "run"
    other_settings = stop(run, KeyboardInterrupt(), replace(STAGE, settings={}), "sums-1")
    other_job = stop(run, KeyboardInterrupt(), replace(STAGE, job="attend"), "sums-1")
    assert sorted(run.iterdir()) == sorted([other_settings, other_job])
    with staging(Location.of(run), STAGE):
        assert not other_settings.exists()
        assert other_job.exists()
    forget(Location.of(run), "attend")
    assert names_in(run) == []


def test_what_a_killed_process_left_is_gone_on_from_or_removed(tmp_path):
    """A folder without a name of its job serves nobody; one without an owner may be an earlier version's, at work."""
    run, dead = tmp_path / "run", dead_process()
    folder = run / STAGE.folder
    own(folder, dead)
    (folder / "parts").mkdir()
    for name in ("sums-1", ".sums-2.partial-3"):
        (folder / "parts" / name).write_text("part")
    own(run / ".staging-0123456789ab", dead)
    (run / ".staging-ba9876543210").mkdir()
    with staging(Location.of(run), STAGE) as staged:
        assert staged.parts.names() == ["sums-1"]
        owner = Owner.of(staged.folder)
        assert (owner.host, owner.pid) == (socket.gethostname(), os.getpid())
        assert names_in(run) == [".staging-ba9876543210", STAGE.folder]
    assert names_in(run) == [".staging-ba9876543210"]


@pytest.mark.parametrize("stage", [STAGE, replace(STAGE, settings={})])
def test_two_jobs_do_not_do_the_same_at_once(tmp_path, stage):
    folder = tmp_path / "run" / stage.folder
    own(folder, os.getppid())
    (folder / "parts").mkdir()
    (folder / "parts/sums-1").write_text("part")
    with pytest.raises(RunError, match=rf"process {os.getppid()} on somewhere, is running in .*\. Wait"):
        stop(tmp_path / "run", None)
    assert (folder / "parts/sums-1").exists()
    own(folder, dead_process())
    stop(tmp_path / "run", None)
    assert not (tmp_path / "run").exists() or names_in(tmp_path / "run") == []


def test_a_process_is_not_in_its_own_way(tmp_path):
    """Its name stays where the place became read-only, and it may try again; but not while it is at work there."""
    folder = tmp_path / "run" / STAGE.folder
    own(folder, os.getpid())
    with staging(Location.of(tmp_path / "run"), STAGE), pytest.raises(RunError, match="is running in"):
        stop(tmp_path / "run", None)
    assert not folder.exists()


def test_an_owner_says_again_that_it_is_alive(tmp_path, monkeypatch):
    monkeypatch.setattr("leadterm.storage.staged.lease.BEAT_SECONDS", 0.01)
    with staging(Location.of(tmp_path / "run"), STAGE) as staged:
        first = Owner.of(staged.folder)
        end = time.monotonic() + 20
        while (now := Owner.of(staged.folder)) is None or now.beat == first.beat:
            assert time.monotonic() < end
        assert now.beat > first.beat
    assert not (tmp_path / "run").exists()


def test_a_product_that_was_appearing_is_made_anew_where_a_folder_cannot_be_renamed(tmp_path):
    """On an object store files are moved one by one: without its manifest the product is not there yet."""
    run = tmp_path / "run"
    (run / "bigram").mkdir(parents=True)
    (run / "bigram/rows-00000.parquet").write_text("moved")
    with pytest.raises(RunError, match="exists but has no manifest"):
        is_current(Location.of(run), "bigram", {}, {}, overwrite=False)
    (run / STAGE.folder / "bigram").mkdir(parents=True)
    (run / STAGE.folder / "bigram/manifest.json").write_text("{}")
    assert not is_current(Location.of(run), "bigram", {}, {}, overwrite=False)
