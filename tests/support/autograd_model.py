"""A transformer of Definition 3.1, trained by automatic differentiation. It knows none of the theory's formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class TrainedWeights:
    """Weights after training: output (V, V), and per layer value (V, V), query_key (V, V), position (T,)."""

    output: torch.Tensor
    value: list[torch.Tensor]
    query_key: list[torch.Tensor]
    position: list[torch.Tensor]


def train(
    windows: torch.Tensor,
    size: int,
    layers: int,
    steps: int,
    learning_rate: float,
    dtype: torch.dtype = torch.float64,
    make_optimizer: Callable[[list[torch.Tensor]], torch.optim.Optimizer] | None = None,
) -> TrainedWeights:
    """Train from zero on all windows (N, T+1) of token ids at once, by gradient descent or an optimizer of torch's."""
    inputs, targets = windows[:, :-1], windows[:, 1:]
    length = inputs.shape[1]
    one_hot = torch.nn.functional.one_hot(inputs, size).to(dtype)
    weights = [torch.zeros(size, size, dtype=dtype, requires_grad=True) for _ in range(1 + 2 * layers)]
    positions = [torch.zeros(length, dtype=dtype, requires_grad=True) for _ in range(layers)]
    output, values, attentions = weights[0], weights[1 : 1 + layers], weights[1 + layers :]
    make = make_optimizer or (lambda parameters: torch.optim.SGD(parameters, lr=learning_rate))
    optimizer = make(weights + positions)
    for _ in range(steps):
        logits = forward(one_hot, output, values, attentions, positions)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
        optimizer.step()
    values, attentions, positions = ([w.detach() for w in group] for group in (values, attentions, positions))
    return TrainedWeights(output.detach(), values, attentions, positions)


def forward(
    one_hot: torch.Tensor,
    output: torch.Tensor,
    values: list[torch.Tensor],
    attentions: list[torch.Tensor],
    positions: list[torch.Tensor],
) -> torch.Tensor:
    """Return logits (N, T, V): h + softmax(mask(h W h' + DM(P))) h V in each layer, then h W_O."""
    length = one_hot.shape[1]
    distance = torch.arange(length)[:, None] - torch.arange(length)[None, :]
    hidden = one_hot
    for value, attention, position in zip(values, attentions, positions, strict=True):
        scores = hidden @ attention @ hidden.mT + position[distance.clamp(min=0)]
        pattern = torch.softmax(scores.masked_fill(distance < 0, -torch.inf), dim=-1)
        hidden = hidden + pattern @ hidden @ value
    return hidden @ output
