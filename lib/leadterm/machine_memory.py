"""How much memory of this machine a process may still take."""

from pathlib import Path

_GROUPS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that a process may still take: what the system has free, within its control group's limit.

    None where the system (not Linux) does not tell.
    """
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        (free,) = (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError):
        return None
    for limit, used in _GROUPS:
        try:
            folder = root / "sys/fs/cgroup"
            left = int((folder / limit).read_text()) - int((folder / used).read_text())
        except (OSError, ValueError):  # no such group, or no limit: "max"
            continue
        free = min(free, max(left, 0))
    return free
