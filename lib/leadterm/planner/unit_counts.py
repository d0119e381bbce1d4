"""How many tasks count, in how many units, and what each holds: the arithmetic of the jobs, about sizes to come."""

from dataclasses import dataclass, replace

import numpy as np

from leadterm.counting import TaskMemory
from leadterm.storage.formats.windows_files import ROW_GROUP_TOKENS


@dataclass(frozen=True)
class UnitCounts:
    """How the windows are assigned.

    Attributes
    ----------
    tasks, units
        That count, and into how many parts they divide the windows in all.
    memory
        Bytes that a task holds.
    """

    tasks: int
    units: int
    memory: int

    @classmethod
    def of(cls, limits: TaskMemory, tokens: float, size: int, cores: int, files: int) -> "UnitCounts":
        """Deal tokens out as the jobs do."""
        groups = max(files, int(tokens // ROW_GROUP_TOKENS) + 1)
        rounds = max(1, int(np.ceil(tokens / (limits.unit_tokens * cores))))
        tasks = max(1, min(groups, cores * rounds))
        own = tokens / tasks
        per_task = max(1, int(np.ceil(own / limits.unit_tokens)))
        held = replace(limits, unit_tokens=int(min(own, limits.unit_tokens))).held(size)
        return cls(tasks, tasks * per_task, held)
