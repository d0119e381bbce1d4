"""A command that has nothing to do says so without Spark; whatever changes, its jobs look at everything again."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.cli.config_files import read_config
from leadterm.cli.main import main
from leadterm.pipeline.finished_work import FinishedWork
from leadterm.storage import Location
from leadterm.storage.read_products import FINISHED

HEAVY = ("pyspark", "torch", "numba", "pandas", "matplotlib", "transformers")
ASKED = f"""
import sys
from leadterm.cli.main import main
status = main(sys.argv[1:])
print(status, [name for name in {HEAVY!r} if name in sys.modules])
"""


def settle(*files: Path) -> None:
    """Let files be as old as those of a corpus are."""
    for file in files:
        os.utime(file, (time.time() - 60, time.time() - 60))


@pytest.fixture(scope="module")
def finished(spark, tmp_path_factory):
    """A run that is finished: its config and its folder."""
    folder = tmp_path_factory.mktemp("finished")
    for number in range(2):
        file = folder / f"in/{number}.parquet"
        file.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"ids": [[number, 1, 2, 3, 1], [4, 5, 1, 2]] * 9}), file)
        settle(file)
    config = folder / "config.yaml"
    config.write_text(
        json.dumps(
            {
                "corpus": {"paths": [str(folder / "in")], "ids_column": "ids"},
                "tokenizer": {"kind": "ids", "vocabulary_size": 6},
                "windows": {"length": 4, "files": 1},
                "report": {"figures": "never"},
            }
        )
    )
    assert main(["run", "--config", str(config), "--output", str(folder / "run")]) == 0
    return config, folder / "run"


def run(command: str, config: Path, folder: Path, *options: str) -> tuple[bool, str]:
    """Give a command in a process of its own: whether it found nothing to do, and what it said."""
    arguments = [command, "--config", str(config), "--output", str(folder), *options]
    done = subprocess.run([sys.executable, "-c", ASKED, *arguments], capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert "\n0 [" in "\n" + done.stdout, told
    return "nothing to do" in told, told


def test_run_and_add_say_so_without_anything_heavy(spark, finished):
    config, folder = finished
    is_done, told = run("run", config, folder)
    assert is_done
    assert "its 2 input files have the same name, length and time of change" in told
    assert f"leadterm show {folder}" in told
    assert "file://" in told
    assert "0 []" in told
    assert main(["add", "--config", str(config), "--output", str(folder)]) == 0
    is_done, told = run("add", config, folder)
    assert (is_done, "0 []" in told) == (True, True), told
    assert run("run", config, folder)[0]  # each is remembered


@pytest.mark.parametrize("change", ["touched", "longer", "new", "gone", "config", "product", "lost", "code", "forced"])
def test_whatever_changes_the_jobs_look_again(spark, finished, change, monkeypatch, capsys):
    config, folder = finished
    first, extra = config.parent / "in/0.parquet", config.parent / "in/2.parquet"
    before, status, text = first.read_bytes(), first.stat(), config.read_text()
    table, options = folder / "vocabulary/vocabulary.parquet", []
    kept = table.read_bytes()
    if change == "touched":
        os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000))
    elif change == "longer":
        first.write_bytes(before + b"x")
        os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "new":
        pq.write_table(pa.table({"ids": [[1, 2]]}), extra)
        settle(extra)
    elif change == "gone":
        first.unlink()
    elif change == "config":
        config.write_text(text.replace('"length": 4', '"length": 5'))
    elif change == "product":
        manifest = folder / "report/manifest.json"
        manifest.write_bytes(manifest.read_bytes().replace(b'"seconds"', b'"Seconds"'))
    elif change == "lost":
        table.unlink()
    elif change == "code":
        monkeypatch.setattr("leadterm.pipeline.finished_work.__version__", "0.0.0")
    else:
        options = ["--hash-inputs"]
    looked: list[bool] = []
    monkeypatch.setattr("leadterm.pipeline.runner.run_jobs", lambda *_, **__: looked.append(True))
    monkeypatch.setattr("leadterm.cli.run.show", lambda *_: None)
    try:
        manifest_before = (folder / "report/manifest.json").read_bytes()
        main(["run", "--config", str(config), "--output", str(folder), *options])
    finally:
        first.write_bytes(before)
        os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))
        extra.unlink(missing_ok=True)
        config.write_text(text)
        table.write_bytes(kept)
        (folder / "report/manifest.json").write_bytes(manifest_before.replace(b'"Seconds"', b'"seconds"'))
    assert looked == [True]


def test_files_that_may_still_change_are_not_trusted(spark, finished, tmp_path):
    """A file written a moment ago could be written again without another time of change."""
    config, _ = finished
    settings = json.loads(config.read_text())
    fresh = tmp_path / "fresh.parquet"
    pq.write_table(pa.table({"ids": [[1, 2, 3]] * 3}), fresh)
    settings["corpus"]["paths"] = [str(fresh)]
    other = tmp_path / "config.yaml"
    other.write_text(json.dumps(settings))
    os.utime(fresh, (time.time() + 60, time.time() + 60))
    assert main(["run", "--config", str(other), "--output", str(tmp_path / "run")]) == 0
    assert not (tmp_path / "run" / FINISHED).exists()


def test_a_note_that_is_damaged_is_no_note(spark, finished):
    config, folder = finished
    noted = (folder / FINISHED).read_bytes()
    for text in (b"", b"[]", b"{", b'{"run": 3}'):
        (folder / FINISHED).write_bytes(text)
        assert not FinishedWork(("run",), read_config(str(config)), Location.of(folder)).is_done()
    (folder / FINISHED).write_bytes(noted)


def test_the_note_tells_no_setting(spark, finished):
    """A config may hold keys of a store; whoever gets the run must not get them."""
    noted = (finished[1] / FINISHED).read_text()
    assert not [word for word in ("tokenizer", "paths", str(finished[0].parent)) if word in noted]


def test_a_note_that_cannot_be_written_fails_no_command(spark, finished, monkeypatch, caplog):
    def refuse(self: Location, data: bytes) -> None:
        raise OSError(30, "Read-only file system")

    caplog.set_level(logging.INFO, "leadterm")
    work = FinishedWork(("run",), read_config(str(finished[0])), Location.of(finished[1]))
    monkeypatch.setattr(Location, "write_bytes", refuse)
    work.note()
    assert "the next command will read the corpus again: [Errno 30]" in caplog.text


def test_the_note_is_no_stranger_in_a_run(spark, finished):
    assert main(["check", str(finished[1])]) == 0
