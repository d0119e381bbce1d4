"""A Transformer in training, over all windows or some of them a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.config import TrainingSection, canonical
from leadterm.errors import InputError, MachineError, TrainingError
from leadterm.operators import resolve_device
from leadterm.theory_model import training_state as checkpoints
from leadterm.theory_model.batches import PackedWindows, Window, drawn
from leadterm.theory_model.descent_steps import make_steps
from leadterm.theory_model.loss import mean_loss
from leadterm.theory_model.path_expansion import Expansion
from leadterm.theory_model.training_device import autocast, fitting, precision, weights_dtype
from leadterm.theory_model.transformer import Transformer
from leadterm.theory_model.weight_agreement import Agreement

DIVERGED = 4.0
"""A loss of this many times ln V, that of a model that knows nothing, is taken for divergence: gradient descent with a
sound learning rate goes down from ln V, and a step too long overshoots by far more in a few steps."""


@dataclass(frozen=True)
class Progress:
    """What a training tells its caller after each step.

    Attributes
    ----------
    step, steps : int
        Steps done, and in all.
    loss : float
        Mean cross-entropy of the step's windows under the weights before the step; nats per position.
    micro_batch : int
        Windows that are in memory together; less than in the settings where they did not fit.
    agreement : tuple of Agreement
        The latest comparison with predicted weights; empty where there was none yet.
    """

    step: int
    steps: int
    loss: float
    micro_batch: int
    agreement: tuple[Agreement, ...] = ()


OnProgress = Callable[[Progress], None]


class Trainer:
    """A model, the windows it is trained on, and how many steps it has made.

    Parameters
    ----------
    windows : iterable of sequences of int
        Each of 2 to T + 1 token ids.
    vocabulary_size : int
        V.
    context_length : int
        T, the most positions of a window.
    settings : TrainingSection
        How to train.
    folder : pathlib.Path, optional
        Where checkpoints go; needed if ``settings.checkpoint_every`` is given.

    Attributes
    ----------
    model : Transformer
        With the weights after `step` steps.
    step : int
        Steps done.
    history : list of dict
        JSON values that the caller wants in the checkpoints, to have them back when the training resumes.

    Raises
    ------
    InputError
        If the windows do not fit V and T, or the folder is missing.
    MachineError
        If the device does not exist, or has no memory for the weights.

    Examples
    --------
    >>> settings = TrainingSection(layers=1, steps=2, learning_rate=0.5, dtype="float64")
    >>> trainer = Trainer([[0, 1, 0], [1, 0]], vocabulary_size=2, context_length=2, settings=settings)
    >>> trainer.advance()
    >>> trainer.step, trainer.loss() < math.log(2)
    (2, True)
    """

    def __init__(
        self,
        windows: Iterable[Window],
        vocabulary_size: int,
        context_length: int,
        settings: TrainingSection,
        folder: Path | None = None,
    ) -> None:
        if settings.checkpoint_every is not None and folder is None:
            raise InputError(
                f"checkpoint_every is {settings.checkpoint_every}, but there is no folder for checkpoints. "
                "Name a folder, or set checkpoint_every to null."
            )
        self.windows = PackedWindows(windows, vocabulary_size, context_length)
        self.settings, self.folder, self.step = settings, folder, 0
        self.history: list[dict[str, Any]] = []
        self.device = resolve_device(settings.device)
        self.micro_batch = settings.micro_batch
        self.model = self._new_model()
        self._steps = make_steps(self.model, settings)

    def advance(self, until: int | None = None, on_progress: OnProgress | None = None) -> None:
        """Train until so many steps are done; by default all of the settings'.

        Raises
        ------
        TrainingError
            If the loss is not finite or far above that of an untrained model; the weights are those before that step.
        MachineError
            If the device has no memory for a single window, or a checkpoint cannot be written.
        """
        last = self.settings.steps if until is None else until
        while self.step < last:
            loss = self._descend()
            self.step += 1
            if self.settings.checkpoint_every and self.step % self.settings.checkpoint_every == 0:
                self.save()
            if on_progress is not None:
                on_progress(Progress(self.step, self.settings.steps, loss, self.micro_batch))

    def loss(self) -> float:
        """Return the mean cross-entropy over all positions of all windows; nats per position.

        Raises
        ------
        TrainingError
            If it is not finite or far above that of an untrained model.
        """
        found, self.micro_batch = mean_loss(self.model, self.windows, self.settings, self.micro_batch)
        self._refuse_divergence(found)
        return found

    def save(self) -> Path:
        """Write a checkpoint and return its place.

        Raises
        ------
        InputError
            If no folder was named.
        TrainingError
            If a weight is not finite.
        MachineError
            If it cannot be written.
        """
        if self.folder is None:
            raise InputError("there is no folder for checkpoints. Name one when the trainer is made.")
        if not all(bool(torch.isfinite(weight).all()) for weight in self.model.parameters()):
            self._refuse_divergence(math.nan)
        plain, windows = canonical(self.settings), self.windows.fingerprint
        state = self._steps.state()
        return checkpoints.write_checkpoint(self.folder, self.model, self.step, plain, windows, self.history, state)

    def resume(self, accept: Callable[[checkpoints.State], bool] = lambda state: True) -> bool:
        """Go on from the newest checkpoint of the folder that is not past the last step; False if there is none.

        What follows is the same as without the stop, on a CPU to the bit.

        Parameters
        ----------
        accept : callable
            Says of a checkpoint's state whether to go on from it; one that is refused is passed over.

        Raises
        ------
        TrainingError
            If the checkpoint is damaged, or of a training with other settings or windows.
        """
        for place in checkpoints.list_checkpoints(self.folder) if self.folder else ():
            state = checkpoints.read_state(place)
            different = state.differences(canonical(self.settings), self.windows.fingerprint)
            if different:
                raise TrainingError(
                    f"{place} belongs to another training; it differs in {'; '.join(different)}. "
                    "Use those settings and windows, or another folder."
                )
            if state.step <= self.settings.steps and accept(state):
                self._steps.restore(checkpoints.read_weights(place, state, self.model))
                self.step, self.history = state.step, list(state.history)
                return True
        return False

    def _new_model(self) -> Transformer:
        """Return the model that training starts from."""
        size, settings = self.windows.vocabulary_size, self.settings
        try:
            model = Transformer(
                size, self.windows.context_length, settings.layers, dtype=weights_dtype(settings), device=self.device
            )
            if settings.spread is not None:
                model.initialise(settings.spread, settings.exponent, settings.seed)
        except RuntimeError as error:  # torch's way to say that memory does not suffice, on a CPU
            n_bytes = (2 * settings.layers + 1) * size**2 * weights_dtype(settings).itemsize
            raise MachineError(
                f"{2 * settings.layers + 1} weights of {size:,} x {size:,} take {n_bytes:,} bytes, and their gradients "
                f"as much again: {str(error).splitlines()[0]} Train with a smaller vocabulary or fewer layers."
            ) from error
        return model

    def _descend(self) -> float:
        """Make one step of the optimizer, and return the loss before it."""
        numbers = drawn(len(self.windows), self.settings.batch, self.step, self.settings.seed)
        loss, self.micro_batch = fitting(lambda size: self._accumulate(numbers, size), self.micro_batch)
        self._refuse_divergence(loss)
        self._steps.step()
        return loss

    def _accumulate(self, numbers: NDArray[np.int64], micro_batch: int) -> float:
        """Leave the gradient of the mean loss in the weights, and return that loss.

        Each micro-batch's sum is divided by the positions of the whole batch, so the parts add up to the mean over
        positions, however the windows are divided.
        """
        self.model.zero_grad(set_to_none=True)
        n_positions = self.windows.n_positions(numbers)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        with precision(self.settings):
            expansion = Expansion(self.model) if self.settings.expand_paths else None
            for batch in self.windows.micro_batches(self.windows.by_length(numbers), micro_batch, self.device):
                with autocast(self.settings):
                    share = (expansion or self.model).loss_sum(batch) / n_positions
                torch.autograd.backward(share)
                total += share.detach()
            if expansion is not None:
                expansion.backward()
        return float(total)

    def _refuse_divergence(self, loss: float) -> None:
        """Stop where the weights after `step` steps have a loss that is no number, or absurd."""
        size = self.model.vocabulary_size
        if math.isfinite(loss) and loss <= DIVERGED * math.log(size):
            return
        raise TrainingError(
            f"training diverged: after {self.step} steps the loss is {loss:.6g}; an untrained model "
            f"has ln {size} = {math.log(size):.4g}. Lower learning_rate (now {self.settings.learning_rate:g})"
            + (" or spread." if self.settings.spread is not None else ", or stop earlier with fewer steps.")
        )
