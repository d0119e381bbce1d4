"""How much memory is free, so that a model that does not fit is refused before it is loaded."""

import torch

from leadterm.errors import MachineError
from leadterm.machine_memory import available_memory


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
