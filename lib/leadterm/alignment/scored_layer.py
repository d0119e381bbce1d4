"""What is scored of a checkpoint: a layer's residual streams for each token, and its heads' query and key weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch

from leadterm.alignment.moments import FEWEST_TOKENS
from leadterm.errors import InputError

Component = Literal["qk", "pre", "mid", "post", "read"]
COMPONENTS: tuple[Component, ...] = ("qk", "pre", "mid", "post", "read")
STREAMS = ("pre", "mid", "post", "read")


class ScoredLayer(Protocol):
    """One layer of a checkpoint, over n tokens that were each fed alone."""

    @property
    def number(self) -> int:
        """Which layer."""

    @property
    def pre(self) -> torch.Tensor:
        """Its input, shape (n, d_model)."""

    @property
    def mid(self) -> torch.Tensor:
        """Input and attention's output, without the MLP, shape (n, d_model)."""

    @property
    def post(self) -> torch.Tensor:
        """Its output, shape (n, d_model)."""

    @property
    def read(self) -> torch.Tensor:
        """Its input as its attention reads it, after the norm, shape (n, d_model)."""

    @property
    def query(self) -> torch.Tensor:
        """W_Q of each query head, shape (n_heads, d_model, d_head)."""

    @property
    def key(self) -> torch.Tensor:
        """W_K of each query head (its group's, where heads share keys), shape (n_heads, d_model, d_head)."""


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """A layer of which some tokens are taken, in some order; see :class:`ScoredLayer`."""

    number: int
    pre: torch.Tensor
    mid: torch.Tensor
    post: torch.Tensor
    read: torch.Tensor
    query: torch.Tensor
    key: torch.Tensor


def restricted(layer: ScoredLayer, tokens: torch.Tensor) -> ChosenRows:
    """Return a layer over some tokens, int64 (k,), in the order given."""
    pre, mid, post, read = (getattr(layer, name)[tokens] for name in STREAMS)
    return ChosenRows(layer.number, pre, mid, post, read, layer.query, layer.key)


def permuted(layer: ScoredLayer, seed: int) -> ChosenRows:
    """Return a layer whose tokens have changed places at random, the same way in all its streams."""
    generator = torch.Generator().manual_seed(seed)
    return restricted(layer, torch.randperm(len(layer.pre), generator=generator))


def require_layer(layer: ScoredLayer, n_tokens: int) -> None:
    """Refuse a layer whose tensors do not belong together, are not finite or are of other tokens.

    Raises
    ------
    InputError
        Names the layer and the tensor.
    """
    if n_tokens < FEWEST_TOKENS:
        raise InputError(f"{n_tokens} tokens are too few to score: the null needs {FEWEST_TOKENS} at least.")
    heads, width = layer.query.shape[0], layer.pre.shape[-1]
    expected: dict[str, tuple[int, ...]] = dict.fromkeys(STREAMS, (n_tokens, width))
    expected |= dict.fromkeys(("query", "key"), (heads, width, layer.query.shape[-1]))
    for name, shape in expected.items():
        tensor = getattr(layer, name)
        if tuple(tensor.shape) != shape:
            raise InputError(
                f"layer {layer.number}: {name} has shape {tuple(tensor.shape)}, expected {shape}. Rows are the "
                "predictors' tokens, in their order; query and key have one matrix for each query head."
            )
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(
                f"layer {layer.number}: {name} contains an infinity or NaN. The checkpoint is damaged, or "
                "its activations overflow in its number type: run it in float32."
            )
