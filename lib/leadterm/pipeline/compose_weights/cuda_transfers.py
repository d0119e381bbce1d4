"""Copies between this machine's memory and a device's, beside what is computed there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.operators import to_device


@dataclass(frozen=True, eq=False)
class Fetched:
    """A tensor of a device on its way to this machine's memory.

    Attributes
    ----------
    host : torch.Tensor
        Where it arrives.
    arrived : torch.cuda.Event or None
        When it has; None where nothing had to be copied.
    """

    host: torch.Tensor
    arrived: torch.cuda.Event | None

    def wait(self) -> NDArray[Any]:
        """Return the numbers, once they are there."""
        if self.arrived is not None:
            self.arrived.synchronize()
        found: NDArray[Any] = self.host.numpy()
        return found


class Transfers:
    """Moves arrays to a device and back without waiting; on the CPU nothing moves.

    On CUDA each direction has a stream of its own, so that both go on while the device computes on its current stream.
    Three rules keep a copy and its reader apart. The reader's stream waits for the writer's before it reads. A tensor
    of one stream that another one uses is recorded there, so that its memory is not given out before that is done. And
    page-locked memory is torch's, which keeps it until the copy has gone through.

    Parameters
    ----------
    device : torch.device
        As :func:`leadterm.operators.resolve_device` gives it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            self._to, self._from = (torch.cuda.Stream(device) for _ in range(2))  # type: ignore[no-untyped-call]

    def send(self, array: NDArray[np.generic]) -> torch.Tensor:
        """Return the copy of an array on the device; what is queued there from now on finds it whole."""
        if self._device.type != "cuda":
            return to_device(array, self._device)
        with torch.cuda.stream(self._to):
            sent = to_device(array, self._device)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._to)
        sent.record_stream(computing)
        return sent

    def fetch(self, tensor: torch.Tensor) -> Fetched:
        """Start to bring a tensor back, as it is after all that was queued until now."""
        if self._device.type != "cuda":
            return Fetched(tensor, None)
        self._from.wait_stream(torch.cuda.current_stream(self._device))
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        with torch.cuda.stream(self._from):
            host.copy_(tensor, non_blocking=True)
            arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrived.record(self._from)
        tensor.record_stream(self._from)
        return Fetched(host, arrived)
