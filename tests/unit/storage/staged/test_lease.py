"""One job works in a folder at a time, whatever clocks say; one that is dead gives way."""

import itertools
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest

from leadterm.errors import RunError
from leadterm.storage import Location, Stage, staging
from leadterm.storage.formats.small_tables import stage_bytes
from leadterm.storage.staged import lease as owners
from leadterm.storage.staged.lease import OWNER, Owner, is_free, take
from support.commands import environment

STAGE = Stage("count", {"windows": "w" * 64}, {"scale_bits": 32})
ELSEWHERE = """
import sys, time
from leadterm.storage import Location, Stage, staging
from leadterm.storage.staged import lease as owners
owners.this_machine = lambda: sys.argv[2]
owners.BEAT_SECONDS = float(sys.argv[3])
clock, skew = time.time, float(sys.argv[4])
time.time = lambda: clock() + skew
with staging(Location.of(sys.argv[1]), Stage("count", {"windows": "w" * 64}, {"scale_bits": 32})) as stage:
    (stage.parts / "sums-1").write_bytes(b"part")
    print("ready", flush=True)
    sys.stdin.readline()
"""
"""A process that is running in a folder, on a machine of that name, whose clock is so many seconds early."""


@pytest.fixture
def run(tmp_path) -> Path:
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Two seconds instead of two minutes, looked at every 20 ms."""
    monkeypatch.setattr(owners, "WATCH_SECONDS", 2.0)
    monkeypatch.setattr(owners, "LOOK_SECONDS", 0.02)
    owners._SEEN.clear()


@contextmanager
def at_work(run: Path, machine: str, beat: float = 0.2, skew: float = 0.0) -> Iterator["subprocess.Popen[str]"]:
    """Let another process work in the folder of a stage."""
    command = [sys.executable, "-c", ELSEWHERE, str(run), machine, str(beat), str(skew)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(), **pipes) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def begin(run: Path) -> list[str]:
    """Begin the same work; return the parts that are there."""
    with staging(Location.of(run), STAGE) as stage:
        return stage.parts.names()


def folder_of(run: Path) -> Location:
    return Location.of(run) / STAGE.folder


@pytest.mark.parametrize("skew", [-600, -121, 0, 121, 600])
@pytest.mark.parametrize("machine", ["elsewhere", owners.this_machine()])
def test_the_clocks_of_two_machines_may_differ(run, machine, skew):
    with at_work(run, machine, skew=skew) as process:
        time.sleep(0.5)
        with pytest.raises(RunError, match=rf"another job, process {process.pid} on \S+, is running in"):
            begin(run)
        assert (Path(folder_of(run).path) / "parts/sums-1").exists()


@pytest.mark.parametrize("step", [-3600, -1, 1, 600])
def test_a_clock_may_be_set_again_and_again_while_a_folder_is_watched(run, monkeypatch, step):
    clock, times = time.time, itertools.count()
    monkeypatch.setattr(time, "time", lambda: clock() + step * next(times))
    with at_work(run, "elsewhere") as process:
        with pytest.raises(RunError, match="its heartbeat there changed while it was watched"):
            begin(run)
        process.kill()
        process.wait()
    assert begin(run) == ["sums-1"]


@pytest.mark.parametrize("machine", ["elsewhere", owners.this_machine()])
def test_an_owner_that_was_killed_gives_way_and_its_parts_stay(run, caplog, machine):
    caplog.set_level(logging.INFO, "leadterm")
    with at_work(run, machine) as process:
        process.kill()
        process.wait()
    started = time.monotonic()
    assert begin(run) == ["sums-1"]
    waited = time.monotonic() - started >= owners.WATCH_SECONDS
    assert waited == (machine == "elsewhere"), "on this machine it is known at once"
    assert ("watching for up to 2 s whether another job" in caplog.text) == waited


def test_a_job_that_is_slow_to_say_so_is_not_taken_for_dead(run):
    with at_work(run, "elsewhere", beat=1.2), pytest.raises(RunError, match="is running in"):
        begin(run)


def test_a_job_that_ends_while_it_is_watched_frees_its_folder(run):
    with at_work(run, "elsewhere", beat=60) as process:
        process.stdin.write("\n")
        process.stdin.flush()
        assert begin(run) == []


def write_owner(run: Path, **fields) -> None:
    folder = Path(folder_of(run).path)
    folder.mkdir(parents=True, exist_ok=True)
    known = {"host": "here", "beat": 1, "machine": owners.this_machine(), "nonce": "n"}
    (folder / OWNER).write_text(json.dumps(known | fields))


def test_a_number_that_another_process_has_by_now_is_nobody_s(run):
    parent = os.getppid()
    write_owner(run, pid=parent, started=owners._started(parent))
    with pytest.raises(RunError, match=f"process {parent} on here, is running"):
        begin(run)
    write_owner(run, pid=parent, started="1")
    assert begin(run) == []
    write_owner(run, pid=os.getpid(), started="1")
    assert begin(run) == []


def test_a_process_that_is_dead_but_not_waited_for_is_nobody_s(run):
    process = subprocess.Popen([sys.executable, "-c", ""])
    started = owners._started(process.pid)
    end = time.monotonic() + 20
    while owners._started(process.pid) == started and time.monotonic() < end:
        time.sleep(0.02)
    write_owner(run, pid=process.pid, started=started)
    assert begin(run) == []
    process.wait()


def test_a_process_whose_start_is_hidden_may_be_at_work(run, monkeypatch):
    parent = os.getppid()
    write_owner(run, pid=parent, started="7")
    mine, started = os.getpid(), owners._started
    monkeypatch.setattr(owners, "_started", lambda pid: started(pid) if pid == mine else None)
    with pytest.raises(RunError, match="is running"):
        begin(run)


@pytest.mark.parametrize("text", [b"", b'{"host": "her', b'{"host": "here", "pid": 7, "beat": 1764585000.5}'])
def test_a_file_that_is_not_whole_or_an_earlier_version_s_is_watched(run, text):
    folder = Path(folder_of(run).path)
    folder.mkdir(parents=True)
    (folder / OWNER).write_bytes(text)
    assert not is_free(folder_of(run))
    started = time.monotonic()
    assert begin(run) == []
    assert time.monotonic() - started >= 1.9


def test_folders_of_dead_jobs_elsewhere_are_removed_by_a_later_job_and_nobody_waits(run, monkeypatch):
    left = run / ".staging-0123456789ab"
    left.mkdir(parents=True)
    (left / OWNER).write_text(json.dumps({"host": "there", "pid": 1, "beat": 1, "machine": "elsewhere"}))
    started = time.monotonic()
    begin(run)
    assert time.monotonic() - started < 1.5
    assert left.exists()
    clock = time.monotonic
    monkeypatch.setattr(owners.time, "monotonic", lambda: clock() + 10)
    begin(run)
    assert not left.exists()


def test_who_was_taken_for_dead_wrongly_changes_nothing(run, caplog):
    """As a machine that was suspended: its folder is another's when it goes on."""
    place = Location.of(run)
    with (
        pytest.raises(RunError, match=r"another job, process 7 on there, has taken .* over"),
        staging(place, STAGE) as one,
    ):
        part, entry = stage_bytes(one, "file", b"data")
        write_owner(run, host="there", pid=7, machine="elsewhere", nonce="other")
        owners._still_alive(one.folder)
        assert Owner.of(one.folder).nonce == "other", "it does not say that the folder is its own"
        from leadterm.storage import Manifest  # noqa: PLC0415

        one.commit(Manifest("windows", {}, {}, {}, (entry,)), [part])
    assert not (run / "windows").exists()
    assert (Path(folder_of(run).path) / OWNER).exists()
    assert "now belongs to the job that took it over" in caplog.text


def test_of_two_that_come_at_once_one_is_first(tmp_path, monkeypatch):
    """Both have seen that nobody is there."""
    folder = Location.of(tmp_path / "run")
    take(folder)
    first = Owner.of(folder)
    monkeypatch.setattr(Location, "remove", lambda _self: None)
    monkeypatch.setattr(owners, "this_machine", lambda: "elsewhere")
    seen = iter([True])
    monkeypatch.setattr(owners, "is_free", lambda place: next(seen, None) or is_free(place))
    with pytest.raises(RunError, match="is running"):
        owners.WATCH_SECONDS = 1e9
        with beating(folder, first):
            take(folder)
    assert Owner.of(folder).nonce == first.nonce


@contextmanager
def beating(folder: Location, owner: Owner) -> Iterator[None]:
    """Let an owner say that it is alive."""
    from dataclasses import replace  # noqa: PLC0415

    from leadterm.telemetry.progress import repeatedly  # noqa: PLC0415

    beats = iter(range(1, 10**6))
    with repeatedly(lambda: owners._say_alive(folder / OWNER, replace(owner, beat=next(beats))), 0.1):
        yield


def test_on_an_object_store_the_same_holds():
    place = Location.of("memory://bucket/run")
    try:
        with staging(place, STAGE) as stage:
            assert Owner.of(stage.folder).is_me
            with pytest.raises(RunError, match="is running in"), staging(place, STAGE):
                pass
            (stage.folder / OWNER).write_bytes(
                json.dumps({"host": "there", "pid": 7, "beat": 0, "nonce": "o"}).encode()
            )
            with pytest.raises(RunError, match="has taken"):
                owners.require_mine(stage.folder)
        (place / STAGE.folder / OWNER).write_bytes(b'{"host": "there", "pid": 7, "beat": 0}')
        started = time.monotonic()
        with staging(place, STAGE):
            assert time.monotonic() - started >= 1.9
    finally:
        fsspec.filesystem("memory").store.clear()
