"""What makes a step of the gradients: plain gradient descent, torch's own optimizers, or sign descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch

from leadterm.config import TrainingSection
from leadterm.theory import Optimizer, make_optimizer
from leadterm.theory_model.transformer import Transformer


class Steps(Protocol):
    """Moves weights along their gradients, and remembers what it needs of the gradients before."""

    def step(self) -> None:
        """Make one step."""

    def state(self) -> dict[str, torch.Tensor]:
        """Return what it remembers, by name."""

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Take up what it remembered."""


def optimizer_of(settings: TrainingSection) -> Optimizer:
    """Return the optimizer of a training as a prediction takes it."""
    chosen = {name: getattr(settings, name) for name in ("betas", "eps", "weight_decay")}
    return make_optimizer(settings.optimizer, **chosen)


def make_steps(model: Transformer, settings: TrainingSection) -> Steps:
    """Return what trains a model."""
    rate, parameters = settings.learning_rate, list(model.parameters())
    if settings.optimizer in ("sgd", "sign"):
        return PlainSteps(parameters, rate, signs=settings.optimizer == "sign")
    betas, eps = settings.betas, settings.eps
    if settings.optimizer == "adamw":
        decay = settings.weight_decay
        return TorchSteps(torch.optim.AdamW(parameters, lr=rate, betas=betas, eps=eps, weight_decay=decay))
    return TorchSteps(torch.optim.Adam(parameters, lr=rate, betas=betas, eps=eps))


class PlainSteps:
    """w <- w - eta dloss/dw, or w <- w - eta sign(dloss/dw); nothing is remembered.

    Parameters
    ----------
    parameters : iterable of torch.Tensor
        The weights.
    rate : float
        eta.
    signs : bool
        Whether a step takes signs alone.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], rate: float, *, signs: bool) -> None:
        self._parameters, self._rate, self._signs = list(parameters), rate, signs

    def step(self) -> None:
        """Make one step."""
        with torch.no_grad():
            for weight in self._parameters:
                if weight.grad is not None:
                    weight.add_(weight.grad.sign() if self._signs else weight.grad, alpha=-self._rate)

    def state(self) -> dict[str, torch.Tensor]:
        """Return nothing."""
        return {}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Do nothing."""


class TorchSteps:
    """An optimizer of torch's.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Over the weights, in one group.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer

    def step(self) -> None:
        """Make one step."""
        self._optimizer.step()

    def state(self) -> dict[str, torch.Tensor]:
        """Return its running means and counts: ``<number of the weight>.<name>``."""
        found = self._optimizer.state_dict()["state"]
        return {f"{number}.{name}": part for number, parts in found.items() for name, part in parts.items()}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Take running means and counts up."""
        parts: dict[int, dict[str, torch.Tensor]] = {}
        for name, part in state.items():
            number, _, field = name.partition(".")
            parts.setdefault(int(number), {})[field] = part
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": parts})
