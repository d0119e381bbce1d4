"""Progress shows parts, rate and time left, and writes little where there is no terminal."""

import io
import re

import pytest

from leadterm.telemetry.progress import Bar, Done, Lines, part_of, progress, titled
from support.terminal import Terminal


def test_a_log_gets_a_line_every_ten_seconds_and_one_at_the_end(clock):
    log = io.StringIO()
    lines = Lines("count", "tasks", log)
    for tick in range(1, 126):
        clock.now = 100 + tick * 0.2
        lines.show(Done(tick, 250))
    lines.close(Done(250, 250), is_whole=True)
    assert log.getvalue().splitlines() == [
        "count: 50 of 250 tasks (20 %), 5.00 tasks/s, 00:10 elapsed, 00:40 left",
        "count: 100 of 250 tasks (40 %), 5.00 tasks/s, 00:20 elapsed, 00:30 left",
        "count: 250 tasks in 00:25",
    ]


def test_a_log_does_not_guess_before_the_first_task_is_done(clock):
    log = io.StringIO()
    lines = Lines("count", "tasks", log)
    clock.now += 11
    lines.show(Done(0, 0))
    lines.show(Done(0, 3))
    assert log.getvalue() == "count: 0 of 3 tasks (0 %), 0.00 tasks/s, 00:11 elapsed, ? left\n"


def test_a_block_that_raised_has_no_last_line(clock):
    log = io.StringIO()
    Lines("count", "tasks", log).close(Done(1, 3), is_whole=False)
    assert log.getvalue() == ""


def test_a_bar_shows_percent_tasks_rate_and_times():
    terminal = Terminal()
    bar = Bar("count", "tasks", terminal)
    bar.show(Done(5, 20))
    bar.close(Done(20, 20), is_whole=True)
    drawn = [re.sub(r"\x1b\[.", "", text).strip() for text in re.split(r"[\r\n]", terminal.getvalue()) if text.strip()]
    assert all(text.startswith("count") for text in drawn)
    assert any(
        re.search(r"count  25 % \|.*\| 5/20 tasks, +[\d.?]+ ?tasks/s, 00:0\d elapsed, [\d:?]+ left$", text)
        for text in drawn
    )
    assert re.search(r"count 100 % \|.*\| 20/20 tasks, ", drawn[-1])
    assert terminal.getvalue().endswith("\n"), "what follows stands on a line of its own"


def test_a_note_stands_beside_the_parts(clock):
    log, terminal = io.StringIO(), Terminal()
    for stream in (log, terminal):
        with progress("train", 4, "steps", stream) as report:
            clock.now += 11
            report(1, "loss 2.5")
            report(4, "loss 1.5")
    assert log.getvalue().splitlines() == [
        "train: 1 of 4 steps (25 %), 0.09 steps/s, 00:11 elapsed, 00:33 left, loss 2.5",
        "train: 4 steps in 00:11, loss 1.5",
    ]
    assert "1/4 steps" in terminal.getvalue()
    assert terminal.getvalue().rstrip().endswith("loss 1.5")


def test_work_that_is_broken_off_stays_where_it_was():
    log, terminal = io.StringIO(), Terminal()
    for stream in (log, terminal):
        with pytest.raises(ZeroDivisionError), progress("train", 4, "steps", stream) as report:
            report(1)
            raise ZeroDivisionError
    assert log.getvalue() == ""
    assert "1/4 steps" in terminal.getvalue().splitlines()[-1]


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_work_of_which_nothing_was_left_shows_nothing(kind):
    stream = kind()
    with progress("train", 4, "steps", stream):
        pass
    assert stream.getvalue() == ""


def test_what_is_a_part_of_something_says_so():
    log = io.StringIO()
    with part_of("shuffled"), part_of("again"), progress("train", 4, "steps", log) as report:
        report(4)
    assert log.getvalue() == "shuffled: again: train: 4 steps in 00:00\n"
    with pytest.raises(ZeroDivisionError), part_of("shuffled"):
        raise ZeroDivisionError
    assert titled("train") == "train"
