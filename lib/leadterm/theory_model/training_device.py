"""The device and the number types of a training, and what happens where memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from leadterm.config import TrainingSection
from leadterm.errors import MachineError

Result = TypeVar("Result")


def weights_dtype(settings: TrainingSection) -> torch.dtype:
    """Return the type that weights are stored in: float64 if that is asked for, else float32."""
    return torch.float64 if settings.dtype == "float64" else torch.float32


@contextmanager
def precision(settings: TrainingSection) -> Iterator[None]:
    """Let matrix products of float32 on a GPU have the precision that the settings name, inside the block only.

    ``tf32`` rounds the factors to 10 binary digits after the point; any other type means what it says. Gradients are
    to be computed inside the block as well.
    """
    if settings.device == "cpu":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if settings.dtype == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def autocast(settings: TrainingSection) -> torch.autocast:
    """Return the block for a loss: with ``bfloat16`` matrix products have 7 binary digits, softmax and loss float32."""
    return torch.autocast(settings.device, torch.bfloat16, enabled=settings.dtype == "bfloat16")


def fitting(action: Callable[[int], Result], micro_batch: int) -> tuple[Result, int]:
    """Run an action with a number of windows at a time, halved for as long as the device has no memory for it.

    Parameters
    ----------
    action : callable
        Takes the number of windows; must be free of effects where it raises, or undo them when it starts.
    micro_batch : int
        What to try first.

    Returns
    -------
    result
        The action's.
    micro_batch : int
        The number that fitted.

    Raises
    ------
    MachineError
        If a single window does not fit.
    """
    while True:
        try:
            return action(micro_batch), micro_batch
        except torch.OutOfMemoryError as error:
            if micro_batch == 1:
                raise MachineError(
                    f"the device has no memory for a single window: {str(error).splitlines()[0]} "
                    "Train with a smaller vocabulary, shorter windows or fewer layers, without expand_paths, or on a "
                    "larger device."
                ) from error
        # Outside the handler, whose traceback would keep the failed attempt's tensors alive.
        micro_batch = (micro_batch + 1) // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
