"""What the cluster did for the stages of a job, collected while the job runs, for its manifests."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

StageMetrics = dict[str, float]
"""What one stage took, by name: ``tasks``, ``task_seconds`` …"""

_COLLECTED: ContextVar[dict[str, StageMetrics] | None] = ContextVar("_COLLECTED", default=None)


@contextmanager
def collecting_work() -> Iterator[dict[str, StageMetrics]]:
    """Collect the work of all stages of a block, by their descriptions."""
    collected: dict[str, StageMetrics] = {}
    token = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(token)


def is_collected() -> bool:
    """Say whether anybody wants to know."""
    return _COLLECTED.get() is not None


def note_work(description: str, work: StageMetrics) -> None:
    """Keep what a stage took; the sum, where one of that description was before."""
    collected = _COLLECTED.get()
    if collected is not None:
        before = collected.get(description, {})
        collected[description] = {
            name: max(value, before.get(name, 0)) if name.startswith("peak_") else value + before.get(name, 0)
            for name, value in work.items()
        }


def work_until_now() -> dict[str, StageMetrics]:
    """Give a copy of what was collected; empty where nobody collects."""
    return {description: dict(work) for description, work in (_COLLECTED.get() or {}).items()}
