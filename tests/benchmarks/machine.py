"""What a measurement depends on: the machine and the versions."""

import mmap
import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil

TOUCHED = 0.8
"""Of the memory that is free."""
PACKAGES = ("numba", "numpy", "pyarrow", "pyspark", "torch")


def describe_machine() -> dict[str, object]:
    """Name the processor, its cores, the memory and the versions of what computes."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_before": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("leadterm", *PACKAGES)},
    }


def usable_cores() -> int:
    """Count the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bind_to(cores: int) -> None:
    """Let this thread, and all that it starts from now on, run on so few cores, where Linux can bind them.

    Else one task of Spark has two cores: Java, the system's writing and the benchmark itself work beside it.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def touch_memory() -> None:
    """Write to every page of most of the free memory once.

    A virtual machine gets memory from its host when it first writes to it: 0.6 GiB/s were seen where pages that were
    used before took 7. Else whoever comes first would be measured slower, two cores more so than one.
    """
    from leadterm.checkpoints.free_memory import available_memory  # noqa: PLC0415  # brings PyTorch

    memory = np.empty(int(TOUCHED * (available_memory() or 0)), dtype=np.uint8)
    memory[:: mmap.PAGESIZE] = 0


def _processor() -> str:
    """Read the processor's name, where Linux gives it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
