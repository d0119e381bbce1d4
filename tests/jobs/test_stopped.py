"""Jobs that a signal stops, as schedulers do it: within seconds, whatever they are at; nothing half-done stays."""

import json
import re
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from support.bad_input import put, texts
from support.commands import BIN, ROOT, write_config
from support.starting import started

SECONDS = 30
"""In which a job has ended; two, on a machine that does nothing else."""


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    """A corpus that takes a minute."""
    folder = tmp_path_factory.mktemp("long")
    corpus = put(folder / "a.parquet", texts([f"w{n} the cat sat on the mat" * 400 for n in range(6000)]))
    return write_config(folder / "a.yaml", str(corpus), windows={"length": 128, "files": 3})


def arguments(config: Path, folder: Path) -> list[str | Path]:
    return ["--config", config, "--output", folder / "run", "--log-json", folder / "log.jsonl"]


@contextmanager
def begun(way: str, command, folder: Path):
    """Start a job, which writes all that it says to a file: Spark's log would fill a pipe."""
    with (folder / "said").open("w") as said, started(way, command, folder, stdout=said) as process:
        yield process


def wait_for(what, seconds=120):
    """Wait until something is there, and return it."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def counts_words(folder: Path) -> bool:
    """Whether tasks are at work on the corpus."""
    log = folder / "log.jsonl"
    return log.exists() and '"stage": "count words"' in log.read_text()


def ended(process, folder: Path) -> tuple[int, str, dict]:
    """Wait until a job is over; return its exit status, what it wrote, and the last line of its log."""
    process.wait(timeout=SECONDS)
    said = (folder / "said").read_text()
    return process.returncode, said, json.loads((folder / "log.jsonl").read_text().splitlines()[-1])


@pytest.mark.parametrize(
    ("way", "number"),
    [
        ("all ignored", signal.SIGTERM),
        ("terminal", signal.SIGINT),
    ],
)
def test_a_run_that_is_stopped_leaves_nothing_half_written(config, tmp_path, way, number):
    with begun(way, [BIN / "leadterm", "run", *arguments(config, tmp_path)], tmp_path) as process:
        wait_for(lambda: counts_words(tmp_path))
        process.send_signal(number)
        status, said, last = ended(process, tmp_path)
    assert (status, last["reason"]) == (128 + number, f"stopped by {number.name}"), said
    assert re.search(r"^leadterm: stopped.*; finished products are kept; run again to resume$", said, re.MULTILINE)
    assert "Traceback" not in said
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_stopped_while_java_starts_leaves_no_java(config, tmp_path):
    with begun("script with &", [BIN / "leadterm", "run", *arguments(config, tmp_path)], tmp_path) as process:
        java = wait_for(lambda: psutil.Process(process.pid).children())
        process.send_signal(signal.SIGTERM)
        status, said, last = ended(process, tmp_path)
    assert (status, last["reason"]) == (143, "stopped by SIGTERM"), said
    assert psutil.wait_procs(java, timeout=SECONDS)[1] == []


@pytest.mark.parametrize("who", ["python", "java"])
def test_a_job_that_was_submitted(config, tmp_path, who):
    """A scheduler knows spark-submit alone, which is Java; it may also send the signal to all of its processes."""
    command = [BIN / "spark-submit", "--master", "local[2]", ROOT / "jobs/encode_corpus.py"]
    with begun("script with &", [*command, *arguments(config, tmp_path)], tmp_path) as process:
        wait_for(lambda: counts_words(tmp_path))
        submitted = psutil.Process(process.pid)
        (python,) = [one for one in submitted.children() if one.status() != "zombie" and str(config) in one.cmdline()]
        (python if who == "python" else submitted).terminate()
        status, said, last = ended(process, tmp_path)
        psutil.wait_procs([python], timeout=SECONDS)
        last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert status == 143, said
    reasons = {
        "python": "stopped by SIGTERM",
        "java": "Spark was stopped from outside, for example by a signal to spark-s",
    }
    assert last["reason"].startswith(reasons[who]) or (who == "java" and "unless somebody stopped it" in last["reason"])
    assert not (tmp_path / "run").exists()
