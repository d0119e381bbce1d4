"""What each job asks of the size of the vocabulary, before it begins and in a plan."""

from collections.abc import Callable
from typing import NamedTuple

from leadterm.catalog.jobs import Job
from leadterm.config import Config
from leadterm.counting import plan_memory
from leadterm.pipeline.compose_weights.cpu import divide_memory


class SizeCheck(NamedTuple):
    """A question about a size.

    Attributes
    ----------
    job, stage
        Who asks, and what a plan calls that.
    ask
        Raises a ConfigError if there is too little memory for this many tokens.
    """

    job: str
    stage: str
    ask: Callable[[int], object]


def size_checks(config: Config) -> list[SizeCheck]:
    """List what jobs ask, in the order in which they run."""
    task, length = config.counting.memory_per_task, config.windows.length
    return [
        SizeCheck(Job.COUNT_COOCCURRENCES, "count", lambda size: plan_memory(task, size, length)),
        SizeCheck(Job.COMPOSE_WEIGHTS, "compose", lambda size: divide_memory(config.attention.memory, size, 1)),
        SizeCheck(
            Job.COUNT_ATTENTION, "attention: count", lambda size: plan_memory(task, size, length, attention=True)
        ),
    ]
