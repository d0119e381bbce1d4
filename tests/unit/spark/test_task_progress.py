"""Progress counts the tasks that will run, and ends at all of them."""

import io
from types import SimpleNamespace

import pytest

from leadterm.spark.task_progress import count_tasks, progress
from leadterm.telemetry.progress import Done
from support.terminal import Terminal


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
        ({}, {}, Done(0, 0)),
        ({0: None}, {}, Done(0, 0)),
        ({0: job(0, 1)}, {}, Done(0, 0)),
        ({0: job(0, 1)}, {0: stage(4, active=2), 1: stage(3)}, Done(0, 7)),
        ({0: job(0, 1)}, {0: stage(4, completed=4), 1: stage(3, active=1, completed=1)}, Done(5, 7)),
        # Stage 1 is stage 0 over again, whose files are there: it never runs.
        (
            {0: job(0, status="SUCCEEDED"), 1: job(1, 2)},
            {0: stage(4, completed=4), 1: stage(4), 2: stage(3)},
            Done(4, 11),
        ),
        (
            {0: job(0, status="SUCCEEDED"), 1: job(1, 2)},
            {0: stage(4, completed=4), 1: stage(4), 2: stage(3, active=1)},
            Done(4, 7),
        ),
        (
            {0: job(0, status="SUCCEEDED"), 1: job(1, 2, status="SUCCEEDED")},
            {0: stage(4, completed=4), 1: stage(4), 2: stage(3, completed=3)},
            Done(7, 7),
        ),
        # A task that is tried again is one task; two stages may run at once.
        ({0: job(0, 1, 2)}, {0: stage(2, failed=1), 1: stage(2, active=1), 2: stage(1)}, Done(0, 5)),
    ],
)
def test_tasks_that_never_run_are_left_out(jobs, stages, expected):
    assert count_tasks(FakeTracker(jobs, stages), "group") == expected


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
