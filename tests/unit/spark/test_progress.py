"""Progress counts the tasks that will run, ends at all of them, and writes little where there is no terminal."""

import io
import re
from types import SimpleNamespace

import pytest

from leadterm.spark import progress as module
from leadterm.spark.progress import Bar, Lines, Tasks, count_tasks, progress


def job(*stages, status="RUNNING"):
    """A job with the numbers of its stages."""
    return SimpleNamespace(stageIds=list(stages), status=status)


def stage(tasks, active=0, completed=0, failed=0):
    """A stage with the numbers of its tasks."""
    return SimpleNamespace(numTasks=tasks, numActiveTasks=active, numCompletedTasks=completed, numFailedTasks=failed)


class FakeTracker:
    """Answers as Spark's tracker does, for one group."""

    def __init__(self, jobs, stages):
        self.jobs, self.stages = jobs, stages

    def getJobIdsForGroup(self, group):
        return list(self.jobs)

    def getJobInfo(self, number):
        return self.jobs[number]

    def getStageInfo(self, number):
        return self.stages.get(number)


@pytest.mark.parametrize(
    ("jobs", "stages", "expected"),
    [
        ({}, {}, Tasks(0, 0)),
        ({0: None}, {}, Tasks(0, 0)),
        ({0: job(0, 1)}, {}, Tasks(0, 0)),
        ({0: job(0, 1)}, {0: stage(4, active=2), 1: stage(3)}, Tasks(0, 7)),
        ({0: job(0, 1)}, {0: stage(4, completed=4), 1: stage(3, active=1, completed=1)}, Tasks(5, 7)),
        # Stage 1 is stage 0 over again, whose files are there: it never runs.
        (
            {0: job(0, status="SUCCEEDED"), 1: job(1, 2)},
            {0: stage(4, completed=4), 1: stage(4), 2: stage(3)},
            Tasks(4, 11),
        ),
        (
            {0: job(0, status="SUCCEEDED"), 1: job(1, 2)},
            {0: stage(4, completed=4), 1: stage(4), 2: stage(3, active=1)},
            Tasks(4, 7),
        ),
        (
            {0: job(0, status="SUCCEEDED"), 1: job(1, 2, status="SUCCEEDED")},
            {0: stage(4, completed=4), 1: stage(4), 2: stage(3, completed=3)},
            Tasks(7, 7),
        ),
        # A task that is tried again is one task; two stages may run at once.
        ({0: job(0, 1, 2)}, {0: stage(2, failed=1), 1: stage(2, active=1), 2: stage(1)}, Tasks(0, 5)),
    ],
)
def test_tasks_that_never_run_are_left_out(jobs, stages, expected):
    assert count_tasks(FakeTracker(jobs, stages), "group") == expected


class Clock:
    """Time that a test moves."""

    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock.monotonic)
    return clock


def test_a_log_gets_a_line_every_ten_seconds_and_one_at_the_end(clock):
    log = io.StringIO()
    lines = Lines("count", log)
    for tick in range(1, 126):
        clock.now = 100 + tick * 0.2
        lines.show(Tasks(tick, 250))
    lines.close(Tasks(250, 250), is_whole=True)
    assert log.getvalue().splitlines() == [
        "count: 50 of 250 tasks (20 %), 5.00 tasks/s, 00:10 passed, 00:40 left",
        "count: 100 of 250 tasks (40 %), 5.00 tasks/s, 00:20 passed, 00:30 left",
        "count: 250 tasks in 00:25",
    ]


def test_a_log_does_not_guess_before_the_first_task_is_done(clock):
    log = io.StringIO()
    lines = Lines("count", log)
    clock.now += 11
    lines.show(Tasks(0, 0))
    lines.show(Tasks(0, 3))
    assert log.getvalue() == "count: 0 of 3 tasks (0 %), 0.00 tasks/s, 00:11 passed, ? left\n"


def test_a_block_that_raised_has_no_last_line(clock):
    log = io.StringIO()
    Lines("count", log).close(Tasks(1, 3), is_whole=False)
    assert log.getvalue() == ""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_bar_shows_percent_tasks_rate_and_times():
    terminal = Terminal()
    bar = Bar("count", terminal)
    bar.show(Tasks(5, 20))
    bar.close(Tasks(20, 20), is_whole=True)
    drawn = [re.sub(r"\x1b\[.", "", text).strip() for text in re.split(r"[\r\n]", terminal.getvalue()) if text.strip()]
    assert all(text.startswith("count") for text in drawn)
    assert any(
        re.search(r"count  25 % \|.*\| 5/20 tasks, +[\d.?]+ ?tasks/s, 00:0\d passed, [\d:?]+ left$", text)
        for text in drawn
    )
    assert re.search(r"count 100 % \|.*\| 20/20 tasks, ", drawn[-1])
    assert terminal.getvalue().endswith("\n"), "what follows stands on a line of its own"


class FakeContext:
    """A Spark context with one job, whose properties can be seen."""

    def __init__(self, tracker):
        self.tracker, self.properties = tracker, {"spark.jobGroup.id": "mine"}

    def statusTracker(self):
        return self.tracker

    def getLocalProperty(self, name):
        return self.properties.get(name)

    def setLocalProperty(self, name, value):
        self.properties[name] = value

    def setJobGroup(self, group, description):
        self.properties |= {"spark.jobGroup.id": group, "spark.job.description": description}


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_progress_ends_at_all_tasks_and_gives_the_job_group_back(stream):
    context = FakeContext(FakeTracker({0: job(0)}, {0: stage(8, completed=7)}))
    out = stream()
    with progress(SimpleNamespace(sparkContext=context), "count", out):
        assert context.properties["spark.job.description"] == "leadterm: count"
    assert context.properties["spark.jobGroup.id"] == "mine"
    assert context.properties["spark.job.description"] is None
    assert ("8/8 tasks" if out.isatty() else "count: 8 tasks in 00:00\n") in out.getvalue()


def test_progress_lets_an_error_through_and_stops_where_it_was():
    context = FakeContext(FakeTracker({0: job(0)}, {0: stage(8, completed=7)}))
    out = Terminal()
    with pytest.raises(ZeroDivisionError), progress(SimpleNamespace(sparkContext=context), "count", out):
        raise ZeroDivisionError
    assert "7/8 tasks" in out.getvalue().splitlines()[-1]
