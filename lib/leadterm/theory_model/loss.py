"""The loss of a model over windows, without gradients."""

from __future__ import annotations

import torch

from leadterm.config import TrainingSection
from leadterm.theory_model.batches import PackedWindows
from leadterm.theory_model.path_expansion import Expansion
from leadterm.theory_model.training_device import autocast, fitting, precision
from leadterm.theory_model.transformer import Transformer


def mean_loss(
    model: Transformer, windows: PackedWindows, settings: TrainingSection, micro_batch: int | None = None
) -> tuple[float, int]:
    """Return the mean cross-entropy over all positions of all windows, in nats, and the micro-batch that fitted.

    Parameters
    ----------
    model : Transformer
        On the device of the settings.
    windows : PackedWindows
        What to predict.
    settings : TrainingSection
        Device, number type and micro-batch.
    micro_batch : int, optional
        Windows in memory together, to start with; default that of the settings.

    Raises
    ------
    MachineError
        If the device has no memory for a single window.
    """
    device = model.output.device

    def whole(size: int) -> float:
        total = torch.zeros((), dtype=torch.float64, device=device)
        with torch.no_grad(), precision(settings), autocast(settings):
            forward = Expansion(model) if settings.expand_paths else model
            for batch in windows.micro_batches(windows.by_length(), size, device):
                total += forward.loss_sum(batch)
        return float(total) / windows.n_positions()

    return fitting(whole, settings.micro_batch if micro_batch is None else micro_batch)
