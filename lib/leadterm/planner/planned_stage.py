"""A stage of a run, with what it will take."""

from collections.abc import Mapping
from dataclasses import dataclass

from leadterm.planner.interval import Estimate


@dataclass(frozen=True)
class PlannedStage:
    """What is expected of a stage.

    Attributes
    ----------
    name
        Of the stage.
    quantities
        By name; names that end in ``bytes`` or ``memory`` are bytes.
    seconds
        Of this machine; None where that cannot be said.
    """

    name: str
    quantities: Mapping[str, Estimate]
    seconds: Estimate | None
