"""A signal ends a command within seconds, however its process was started, and says which signal it was."""

import json
import signal
import sys
import threading
from subprocess import TimeoutExpired

import pytest

from leadterm.cli.console import report_errors
from leadterm.errors import LeadtermError, Stopped, interruption_in, reason_of
from support.starting import started

BEGIN = """
import os, signal, socket, sys, threading, time
from leadterm.cli.console import report_errors
def say():
    print("ready", flush=True)
def sleep():
    say(); time.sleep(60)
def wait_for_an_answer():  # As Py4J does, whose other end is busy.
    a, b = socket.socketpair(); say(); a.recv(1)
def wait_for_a_thread():
    thread = threading.Thread(target=time.sleep, args=(60,), daemon=True); thread.start(); say(); thread.join()
def lose_it():
    class Finalised:
        def __del__(self): signal.raise_signal(signal.SIGTERM)
    Finalised(); say(); time.sleep(60)  # At once: what was lost is raised again soon.
def fail_of_it():  # As Spark's jobs do, which are cancelled.
    try: sleep()
    except BaseException: raise OSError("cancelled")
def spark_does_not_answer():
    signal.signal(signal.SIGINT, lambda *_: time.sleep(60)); sleep()
"""


def stop(way, action, number, folder):
    """Send a signal; return the exit status, what was written, and the log's last line."""
    script = f"{BEGIN}\nsys.exit(report_errors({action}, 'command', 'log.jsonl'))"
    with started(way, [sys.executable, "-c", script], folder) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            said = process.communicate(timeout=20)[0]
        finally:
            process.kill()
    return process.returncode, said, json.loads((folder / "log.jsonl").read_text().splitlines()[-1])


@pytest.mark.parametrize(
    ("way", "number"),
    [
        *((way, signal.SIGTERM) for way in ("terminal", "script with &", "all ignored", "blocked", "nohup")),
        *((way, signal.SIGHUP) for way in ("terminal", "script with &", "all ignored", "blocked")),
        ("terminal", signal.SIGINT),
    ],
)
def test_a_signal_stops_a_command_however_it_was_started(tmp_path, way, number):
    status, said, last = stop(way, "sleep", number, tmp_path)
    assert status == 128 + number
    what = "stopped" if number == signal.SIGINT else f"stopped by {number.name}"
    assert said == f"leadterm: {what}; finished products are kept; run again to resume\n"
    assert (last["event"], last["reason"]) == ("failed", f"stopped by {number.name}")


@pytest.mark.parametrize(
    "action", ["wait_for_an_answer", "wait_for_a_thread", "lose_it", "fail_of_it", "spark_does_not_answer"]
)
def test_whatever_the_main_thread_does(tmp_path, action):
    status, said, last = stop("script with &", action, signal.SIGTERM, tmp_path)
    assert (status, last["error"], last["reason"]) == (143, "Stopped", "stopped by SIGTERM")
    assert said == "leadterm: stopped by SIGTERM; finished products are kept; run again to resume\n"


def test_what_nohup_ignores_stays_ignored(tmp_path):
    script = f"{BEGIN}\nsys.exit(report_errors(sleep, 'command'))"
    with started("nohup", [sys.executable, "-c", script], tmp_path) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        with pytest.raises(TimeoutExpired):
            process.wait(timeout=1)
        process.terminate()
        assert process.wait(timeout=20) == 143


def test_handlers_are_as_they_were_after_a_command():
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    assert report_errors(lambda: None) == 0
    assert before == [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]


def test_a_command_may_run_in_another_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(report_errors(lambda: None)))
    thread.start()
    thread.join()
    assert found == [0]


def test_an_error_is_told_by_what_it_comes_from():
    stop = Stopped(signal.SIGHUP)
    failed = OSError("cancelled")
    failed.__context__ = stop
    assert interruption_in(failed) is stop
    assert reason_of(failed) == {"error": "Stopped", "reason": "stopped by SIGHUP"}
    assert reason_of(KeyboardInterrupt()) == {"error": "KeyboardInterrupt", "reason": "stopped by SIGINT"}
    assert reason_of(LeadtermError("no")) == {"error": "LeadtermError", "reason": "no"}
    assert interruption_in(LeadtermError("no")) is None
