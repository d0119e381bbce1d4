"""AdamW on the windows of a corpus, with revisions kept on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from leadterm.config import PretrainingSection
from leadterm.errors import MachineError, TrainingError
from leadterm.language_model.gpt_neox import new_model
from leadterm.language_model.saved_revisions import State, has_revision, read_state, write_revision, write_state
from leadterm.operators import resolve_device
from leadterm.theory_model.batches import IGNORED, Batch, PackedWindows, Window, drawn

STATE_SECONDS = 60.0
"""How much of a training is lost at most where it is stopped: so often its state is kept, and with each revision."""
MOMENTS = ("exp_avg", "exp_avg_sq")
"""What AdamW remembers of each weight, by torch's names."""
LOSSES = "losses"
"""In a state, float64 (steps,): as many as steps are done, which with the seed says which windows come next."""

OnStep = Callable[[int, float], None]
"""Told after each step how many are done, and the loss before it."""


class Pretrainer:
    """A language model, the windows it is trained on, and how many steps of AdamW it has made.

    A step trains on the next windows of a shuffled stream that depends on the seed alone. On a CPU, the same windows
    and settings give the same bytes of every revision, with the same packages and number of threads, and so does a
    training that was interrupted and resumes. On CUDA only the order of windows and step 0 are sure to be the same.

    Parameters
    ----------
    windows : iterable of sequences of int
        Each of 2 to T + 1 token ids. All are held in memory, 8 bytes a token.
    vocabulary_size, context_length : int
        V and T.
    settings : PretrainingSection
        The model and its training.
    folder : pathlib.Path
        Where revisions go.
    tokenizer : str
        The text of the tokenizer.json that each revision gets.

    Attributes
    ----------
    model : transformers.GPTNeoXForCausalLM
        With the weights after `step` steps.
    losses : list of float
        For each step the mean cross-entropy of its windows under the weights before it; nats per position.

    Raises
    ------
    InputError
        If the windows do not fit V and T, or transformers is not installed.
    MachineError
        If the device does not exist.
    """

    def __init__(
        self,
        windows: Iterable[Window],
        vocabulary_size: int,
        context_length: int,
        settings: PretrainingSection,
        folder: Path,
        tokenizer: str,
    ) -> None:
        self.windows = PackedWindows(windows, vocabulary_size, context_length)
        self.settings, self.folder, self.losses = settings, folder, list[float]()
        self.device = resolve_device(settings.device)
        self.model = new_model(settings, vocabulary_size, context_length).to(self.device)
        self._tokenizer = tokenizer
        self._optimiser = _optimiser(self.model, settings)
        self._kept_at = time.monotonic()

    @property
    def step(self) -> int:
        """Steps done."""
        return len(self.losses)

    def resume(self) -> bool:
        """Go on from the state that was kept last; False if there is none, or a revision before it is gone.

        Raises
        ------
        TrainingError
            If the state is damaged, or of a model of other sizes.
        """
        state = read_state(self.folder)
        if state is None:
            return False
        losses = state[LOSSES].tolist()
        if not all(has_revision(self.folder, step) for step in self.settings.revisions if step <= len(losses)):
            return False
        self._restore(state, len(losses))
        self.losses = losses
        return True

    def advance(self, on_step: OnStep | None = None) -> None:
        """Train until all steps are done, and keep the revisions that the settings name.

        Raises
        ------
        TrainingError
            If the loss or a weight is not finite; what was kept before stays.
        MachineError
            If the device has no memory for a batch, or a revision cannot be written.
        """
        if self.step == 0:
            self._keep()
        while self.step < self.settings.steps:
            loss = self._descend()
            self.losses.append(loss)
            self._keep()
            if on_step is not None:
                on_step(self.step, loss)

    def _keep(self) -> None:
        """Write the revision, if it is one to keep, and then, or if the last one is old, the state."""
        is_revision = self.step in self.settings.revisions
        if not is_revision and time.monotonic() - self._kept_at < STATE_SECONDS:
            return
        if not all(bool(torch.isfinite(weight).all()) for weight in self.model.parameters()):
            self._refuse_divergence(math.nan)
        if is_revision:
            write_revision(self.folder, self.model, self.step, self._tokenizer)
        write_state(self.folder, self._state())
        self._kept_at = time.monotonic()

    def _descend(self) -> float:
        """Make one step, and return the loss before it."""
        numbers = drawn(len(self.windows), self.settings.batch, self.step, self.settings.seed)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self.settings, self.step)
        try:
            loss = batch_loss(self.model, self.windows.batch(numbers, self.device))
            found = loss.item()
            self._refuse_divergence(found)
            self._optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            self._optimiser.step()
        except torch.OutOfMemoryError as error:
            raise MachineError(
                f"the device has no memory for {self.settings.batch} windows at once: {str(error).splitlines()[0]} "
                "Lower pretraining.batch, or train a smaller model."
            ) from error
        return found

    def _refuse_divergence(self, loss: float) -> None:
        """Stop where the weights after `step` steps have a loss that is no number."""
        if not math.isfinite(loss):
            raise TrainingError(
                f"training diverged: after {self.step} steps the loss is {loss}. Lower pretraining.learning_rate (now "
                f"{self.settings.learning_rate:g}), or raise warmup_steps."
            )

    def _state(self) -> State:
        """Gather what it takes to go on."""
        tensors = {LOSSES: torch.tensor(self.losses, dtype=torch.float64)}
        for name, weight in self.model.named_parameters():
            tensors[f"weight.{name}"] = weight
            tensors |= {f"{key}.{name}": self._moment(weight, key) for key in MOMENTS}
        return tensors

    def _moment(self, weight: nn.Parameter, key: str) -> Tensor:
        found: Tensor = self._optimiser.state[weight].get(key, torch.zeros_like(weight))
        return found

    def _restore(self, state: State, n_steps: int) -> None:
        """Go back to the weights and moments after this many steps."""
        try:
            with torch.no_grad():
                for name, weight in self.model.named_parameters():
                    weight.copy_(state[f"weight.{name}"])
                    moments = {key: state[f"{key}.{name}"].to(weight.device) for key in MOMENTS}
                    self._optimiser.state[weight] = {"step": torch.tensor(float(n_steps)), **moments}
        except (KeyError, RuntimeError) as error:
            raise TrainingError(
                f"{self.folder}: the saved state belongs to another model ({error}). Train with --overwrite."
            ) from error


def batch_loss(model: Any, batch: Batch) -> Tensor:
    """Return the mean cross-entropy over the positions of a batch, a scalar; nats per position.

    Places behind a window's end have no target, and come after all that has one, so that a causal model does not see
    them.
    """
    logits = model(input_ids=batch.inputs, use_cache=False).logits
    return nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORED)


def learning_rate(settings: PretrainingSection, step: int) -> float:
    """Return the learning rate of the step after this many.

    Examples
    --------
    >>> settings = PretrainingSection(learning_rate=0.5, warmup_steps=4)
    >>> [learning_rate(settings, step) for step in (0, 1, 3, 4, 99)]
    [0.125, 0.25, 0.5, 0.5, 0.5]
    """
    return settings.learning_rate * min(1.0, (step + 1) / max(settings.warmup_steps, 1))


def _optimiser(model: nn.Module, settings: PretrainingSection) -> torch.optim.Optimizer:
    """Make the optimiser; AdamW with torch's own betas and epsilon, where biases and gains of norms do not decay."""
    if settings.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=settings.learning_rate, foreach=False)
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() <= 1]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, foreach=False)
