"""A clock that tests move."""

import pytest

from leadterm.telemetry import progress as module


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
