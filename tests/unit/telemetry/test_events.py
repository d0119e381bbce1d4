"""What machines are told of a run: one JSON object a line, from the first start to the last end."""

import json
import logging
from pathlib import Path

import pytest

from leadterm import cli
from leadterm.catalog.jobs import Job
from leadterm.cli.console import report_errors
from leadterm.errors import InputError, LeadtermError
from leadterm.pipeline.job_log import watched_job
from leadterm.storage import FileEntry, Location, Manifest
from leadterm.storage.read_products import write_manifest
from leadterm.telemetry.progress import progress
from leadterm.telemetry.stage_metrics import collecting_work, note_work, work_until_now


def told(tmp_path: Path, action, command: str = "run") -> list[dict]:
    """What is told while a command does something; its time and level are checked here."""
    file = tmp_path / "log.jsonl"
    report_errors(action, command, str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    times = [line.pop("time") for line in lines]
    assert times == sorted(times)
    assert all(time.endswith("+00:00") for time in times)
    return lines


def test_a_stage_tells_its_start_every_ten_seconds_how_far_it_is_and_its_end(clock, tmp_path):
    def work():
        with progress("compose scores", 40, "tokens") as report:
            for done in range(1, 41):
                clock.now += 1
                report(done, "fine")

    first, start, *middle, end, last = told(tmp_path, work)
    assert first["command"] == last["command"] == "run"
    assert (first["event"], last["event"]) == ("start", "done")
    assert (start["event"], start["stage"], start["total"]) == ("start", "compose scores", 0)
    keys = ("event", "stage", "unit", "done", "total", "seconds", "per_second", "seconds_left", "note", "level")
    assert [tuple(one.get(key) for key in keys) for one in [*middle, end]] == [
        ("progress", "compose scores", "tokens", 10, 40, 10.0, 1.0, 30.0, "fine", "info"),
        ("progress", "compose scores", "tokens", 20, 40, 20.0, 1.0, 20.0, "fine", "info"),
        ("progress", "compose scores", "tokens", 30, 40, 30.0, 1.0, 10.0, "fine", "info"),
        ("progress", "compose scores", "tokens", 40, 40, 40.0, 1.0, 0.0, "fine", "info"),
        ("done", "compose scores", "tokens", 40, 40, 40.0, 1.0, None, "fine", "info"),
    ]


def test_a_stage_that_is_broken_off_and_a_command_that_fails_say_so(tmp_path, capsys):
    def work():
        with progress("train", 4, "steps") as report:
            report(1)
            raise InputError("no such thing")

    *_, stage, command = told(tmp_path, work)
    assert (stage["event"], stage["stage"], stage["done"]) == ("failed", "train", 1)
    assert (command["event"], command["level"], command["command"]) == ("failed", "error", "run")
    assert (command["error"], command["reason"]) == ("InputError", "no such thing")
    assert "leadterm: no such thing" in capsys.readouterr().err


def test_a_job_tells_what_it_made_and_at_what_rate(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])  # As in a process of its own.
    run = Location.of(tmp_path / "run")
    counts = {"positions": 90, "windows": 10, "nonzeros": 7}
    entries = (FileEntry("a", 5, "0" * 64), FileEntry("b", 6, "0" * 64))

    def work():
        with watched_job(Job.COUNT_COOCCURRENCES, run):
            note_work("count", {"tasks": 3, "failed_tasks": 1, "peak_heap_bytes": 9})
            write_manifest(run / "bigram", Manifest("bigram", {}, {}, counts, entries, {"count": 1.23456}))
        with watched_job(Job.COUNT_COOCCURRENCES, run) as outcome:
            outcome.did_work = False
        with pytest.raises(LeadtermError), watched_job(Job.BUILD_REPORT, run):
            raise LeadtermError("no")

    _, start, done, *_, skipped, _, failed, _ = told(tmp_path, work)
    assert (start["event"], start["job"], start["run"]) == ("start", "count_cooccurrences", str(run))
    assert (done["event"], done["tokens"], done["bytes"]) == ("done", 100, 11)
    rounding = 0.0005 + done["seconds"] * 0.5 / done["tokens_per_second"]  # To the millisecond, and to whole tokens.
    assert 100 / done["tokens_per_second"] == pytest.approx(done["seconds"], abs=rounding)
    work_done = {"count": {"tasks": 3, "failed_tasks": 1, "peak_heap_bytes": 9}}
    assert done["products"] == {
        "bigram": {"files": 2, "bytes": 11, **counts, "seconds": {"count": 1.235}, "work": work_done}
    }
    assert (skipped["event"], skipped["job"]) == ("skipped", "count_cooccurrences")
    assert (failed["event"], failed["job"], failed["reason"]) == ("failed", "build_report", "no")
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"count_cooccurrences: done in {done['seconds']:.1f} s",
        "count_cooccurrences: skipped, because its products are up to date",
    ], "what only machines are told is not said to people"


def test_other_records_are_lines_too_with_their_trace(tmp_path):
    def work():
        logging.getLogger("leadterm").warning("odd: %s", "x")
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            logging.getLogger("leadterm").exception("worse")

    _, odd, worse, _ = told(tmp_path, work)
    assert odd == {"level": "warning", "event": "message", "message": "odd: x"}
    assert "ZeroDivisionError" in worse["trace"]


def test_the_log_goes_on_in_the_same_file_and_the_environment_may_name_it(tmp_path, monkeypatch, capsys):
    file = tmp_path / "log.jsonl"
    assert cli.main(["check", str(tmp_path / "nothing"), "--log-json", str(file)]) == 1
    monkeypatch.setenv("LEADTERM_LOG_JSON", str(file))
    assert cli.main(["check", str(tmp_path / "nothing")]) == 1
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["event"] for line in lines if "command" in line] == ["start", "failed"] * 2
    for name in ("leadterm", "leadterm.telemetry.events"):
        handlers = logging.getLogger(name).handlers
        assert not [one for one in handlers if getattr(one, "baseFilename", "").endswith("log.jsonl")]


def test_a_log_that_cannot_be_written_is_told_before_anything_is_done(tmp_path, capsys):
    assert report_errors(pytest.fail, "run", str(tmp_path / "no/log")) == 1
    assert "cannot write the log" in capsys.readouterr().err


def test_work_is_added_up_by_stage_and_peaks_are_the_highest():
    note_work("count", {"tasks": 1})
    assert work_until_now() == {}
    with collecting_work():
        note_work("count", {"tasks": 1, "peak_heap_bytes": 5})
        note_work("count", {"tasks": 2, "peak_heap_bytes": 3})
        made = Manifest("bigram", {}, {}, {}, ())
        note_work("merge", {"tasks": 4})
    assert made.work == {"count": {"tasks": 3, "peak_heap_bytes": 5}}
    assert Manifest.from_json(made.to_json(), "here") == made
    assert made.account_hash == Manifest("bigram", {}, {}, {}, ()).account_hash
