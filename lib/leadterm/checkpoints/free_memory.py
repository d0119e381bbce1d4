"""How much memory is free, so that a model that does not fit is refused before it is loaded."""

from pathlib import Path

import torch

from leadterm.errors import MachineError

_GROUPS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def require_memory(needed: int, what: str, device: torch.device) -> None:
    """Refuse what will not fit.

    Parameters
    ----------
    needed
        Bytes.
    what
        What needs them, for the message.
    device
        Where.

    Raises
    ------
    MachineError
        If less is free. Where that cannot be found out, nothing is refused.
    """
    available = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_memory()
    if available is not None and needed > available:
        raise MachineError(
            f"{what} takes {needed / 2**30:,.1f} GiB of memory on {str(device)!r}, and {available / 2**30:,.1f} GiB "
            "are free. Choose a smaller model or fewer tokens, run fewer at a time, or use a larger machine."
        )


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
