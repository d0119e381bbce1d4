"""How many tasks count."""

from types import SimpleNamespace

import pytest

from leadterm.spark.dealing import number_of_tasks


@pytest.mark.parametrize(
    ("at_once", "unit_tokens", "tasks"),
    [(2, 1000, 2), (2, 50, 2), (2, 49, 4), (2, 33, 4), (2, 25, 4), (2, 24, 6), (3, 30, 6), (16, 1000, 16)],
)
def test_tasks_fit_the_memory_and_no_core_waits_in_the_last_round(at_once, unit_tokens, tasks):
    session = SimpleNamespace(sparkContext=SimpleNamespace(defaultParallelism=at_once))
    assert number_of_tasks(session, 100, unit_tokens) == tasks
    assert tasks * unit_tokens >= 100
