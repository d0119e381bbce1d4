"""The device and number type of an operator."""

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.errors import InputError, MachineError

DTYPES = {"float64": torch.float64, "float32": torch.float32}


def resolve_device(device: str | torch.device = "cpu") -> torch.device:
    """Return the torch device that a setting names, after checking that it exists on this machine.

    Parameters
    ----------
    device : str or torch.device
        ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Raises
    ------
    MachineError
        If the device is of another kind, or a CUDA device that this machine lacks.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise MachineError(f"{device!r} is not a device known to torch: use 'cpu', 'cuda' or 'cuda:0'.") from error
    if found.type == "cpu":
        return found
    if found.type != "cuda":
        raise MachineError(f"operators run on 'cpu' or 'cuda', not on {str(found)!r} (it lacks sparse float64).")
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (found.index or 0) >= available:
        raise MachineError(
            f"device {str(found)!r} was requested, but torch {torch.__version__} sees {available} CUDA device(s). "
            "Use device='cpu', or install a CUDA build of torch on a machine with an NVIDIA driver."
        )
    return torch.device("cuda", torch.cuda.current_device() if found.index is None else found.index)


def to_device(array: NDArray[np.generic], device: torch.device) -> torch.Tensor:
    """Return an array as a tensor on a device; on the CPU it shares the array's memory.

    On CUDA the copy is queued on the current stream, and nothing waits for it: neither the caller, who may release the
    array, nor work that was queued before. Until then torch keeps the page-locked memory through which it copies.

    Examples
    --------
    >>> to_device(np.arange(3), torch.device("cpu"))
    tensor([0, 1, 2])
    """
    host = torch.from_numpy(array)
    return host.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else host


def resolve_dtype(dtype: str | torch.dtype | None = None) -> torch.dtype:
    """Return the number type of an operator's entries; float64 by default.

    Parameters
    ----------
    dtype : str, torch.dtype or None
        ``"float64"`` or ``"float32"``, or the torch dtype of that name. None means float64.

    Raises
    ------
    InputError
        If it is another type.

    Examples
    --------
    >>> resolve_dtype(), resolve_dtype("float32")
    (torch.float64, torch.float32)
    """
    if dtype is None:
        return torch.float64
    if isinstance(dtype, str) and dtype in DTYPES:
        return DTYPES[dtype]
    if isinstance(dtype, torch.dtype) and dtype in DTYPES.values():
        return dtype
    raise InputError(f"operators have float64 or float32 entries, not {dtype!r}.")
