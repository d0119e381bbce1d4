"""The circuits of a checkpoint, as factors: whole model, direct path, MLPs, attention of a token on itself, heads.

With N_l the norm before attention of layer l and pre, mid, post its residual streams, each token fed alone (or after
BOS), g the gain of the last norm and W_U the unembedding, columns are U = W_U diag(g), less the mean of each row over d
where the last norm subtracts the stream's mean. That norm's 1/sigma is a factor of each row, which no cosine of rows
sees, and is left out.

=========  ==================  =====================================================  ==================
circuit    axes                rows                                                   columns
=========  ==================  =====================================================  ==================
total      CURRENT x NEXT      post of the last layer, normalised without gain        U
direct     CURRENT x NEXT      pre of the first layer: the embedding                  U
mlp        CURRENT x NEXT      post - mid                                             U
attn       CURRENT x NEXT      mid - pre                                              U
ov         CONTEXT x NEXT      N(pre) W_V W_O                                         U
qk         CURRENT x CONTEXT   (N(pre) W_Q + b_Q) / sqrt(d_head)                      N(pre) W_K + b_K
=========  ==================  =====================================================  ==================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

CircuitKind = Literal["total", "direct", "mlp", "attn", "ov", "qk"]
KINDS: tuple[CircuitKind, ...] = ("total", "direct", "mlp", "attn", "ov", "qk")
Array = NDArray[np.float64]
SAME = 1e-5
"""Activations in float32 are off by some 1e-6 of their size; a norm after attention changes them by more than 0.01."""


class CircuitLayer(Protocol):
    """One layer of a checkpoint, as `leadterm.checkpoints.Layer` describes it."""

    @property
    def number(self) -> int: ...
    @property
    def pre(self) -> torch.Tensor: ...
    @property
    def mid(self) -> torch.Tensor: ...
    @property
    def post(self) -> torch.Tensor: ...
    @property
    def query(self) -> torch.Tensor: ...
    @property
    def key(self) -> torch.Tensor: ...
    @property
    def query_bias(self) -> torch.Tensor: ...
    @property
    def key_bias(self) -> torch.Tensor: ...
    @property
    def value(self) -> torch.Tensor: ...
    @property
    def output(self) -> torch.Tensor: ...
    @property
    def norm(self) -> Callable[[torch.Tensor], torch.Tensor]: ...
    @property
    def is_parallel(self) -> bool: ...


class UnembeddingNorm(Protocol):
    """The norm before the unembedding, as `leadterm.checkpoints.last_norm.LastNorm` describes it."""

    @property
    def gain(self) -> torch.Tensor: ...
    @property
    def subtracts_mean(self) -> bool: ...
    def normalised(self, stream: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True, eq=False)
class Circuit:
    """A path through a checkpoint, from n tokens to n tokens.

    Attributes
    ----------
    kind, layer, head
        Which; layer and head are None where the circuit has none, the head of ``ov`` also for the sum over heads.
    rows, columns
        (n, d) each, or (n, d_head) of ``qk``: the circuit is ``rows @ columns.T``.
    stream
        (n, d): what the circuit reads, normalised as it reads it.
    map
        (d, d): rows are ``stream @ map``, but for a factor and a constant; None where rows are no linear function of
        the stream: of an MLP, and of attention where a norm comes after it.
    """

    kind: CircuitKind
    layer: int | None
    head: int | None
    rows: Array
    columns: Array
    stream: Array
    map: Array | None

    def __str__(self) -> str:
        """Name it: ``total``, ``mlp0``, ``ov0.3``."""
        place = "" if self.layer is None else str(self.layer)
        return f"{self.kind}{place}" + ("" if self.head is None else f".{self.head}")


def unembedding_columns(unembedding: torch.Tensor, norm: UnembeddingNorm) -> Array:
    """Take the last norm's gain, and the mean that it subtracts, into the unembedding: U, (n, d)."""
    columns = _array(unembedding) * _array(norm.gain)
    return columns - columns.mean(1, keepdims=True) if norm.subtracts_mean else columns


def circuits_of(
    layers: Iterable[CircuitLayer], unembedding: torch.Tensor, norm: UnembeddingNorm, kinds: Iterable[str] = KINDS
) -> Iterator[Circuit]:
    """Give the circuits of a checkpoint, in the order in which a token meets them; one layer is in memory at a time.

    Parameters
    ----------
    layers
        Of the n tokens, first to last: ``checkpoint.layers(tokens)``.
    unembedding
        W_U of the same tokens, (n, d).
    norm
        What the unembedding reads the stream through.
    kinds
        Which circuits.

    Yields
    ------
    Circuit
        In float64. Those of a head come for each head; ``ov`` also for the sum of a layer's heads.
    """
    wanted, columns = set(kinds), unembedding_columns(unembedding, norm)
    last = None
    for layer in layers:
        if last is None and "direct" in wanted:
            stream = _array(layer.pre)
            yield Circuit("direct", None, None, stream, columns, stream, np.eye(stream.shape[1]))
        yield from _of_layer(layer, columns, wanted)
        last = layer.post
    if last is not None and "total" in wanted:
        stream = _array(norm.normalised(last))
        yield Circuit("total", None, None, stream, columns, stream, np.eye(stream.shape[1]))


def _of_layer(layer: CircuitLayer, columns: Array, wanted: set[str]) -> Iterator[Circuit]:
    """Give the circuits of one layer."""
    read = _array(layer.norm(layer.pre))
    maps = _array(layer.value) @ _array(layer.output)
    number = layer.number
    if "ov" in wanted:
        for head, one in enumerate(maps):
            yield Circuit("ov", number, head, read @ one, columns, read, one)
        yield Circuit("ov", number, None, read @ maps.sum(0), columns, read, maps.sum(0))
    if "qk" in wanted:
        yield from _query_keys(layer, read)
    if "attn" in wanted:
        rows, whole = _array(layer.mid) - _array(layer.pre), maps.sum(0)
        yield Circuit("attn", number, None, rows, columns, read, whole if _is_linear(read, whole, rows) else None)
    if "mlp" in wanted:
        stream = read if layer.is_parallel else _array(layer.norm(layer.mid))
        yield Circuit("mlp", number, None, _array(layer.post) - _array(layer.mid), columns, stream, None)


def _query_keys(layer: CircuitLayer, read: Array) -> Iterator[Circuit]:
    """Give the query-key circuit of each head, at distance 0."""
    scale = layer.query.shape[-1] ** -0.5
    parts = (layer.query, layer.query_bias, layer.key, layer.key_bias)
    for head, (query, query_bias, key, key_bias) in enumerate(zip(*map(_array, parts), strict=True)):
        rows, columns = (read @ query + query_bias) * scale, read @ key + key_bias
        yield Circuit("qk", layer.number, head, rows, columns, read, scale * query @ key.T)


def _is_linear(stream: Array, whole: Array, rows: Array) -> bool:
    """Say whether rows are a linear map of a stream, but for a factor and a constant; not where a norm comes after."""
    mapped, rows = stream @ whole, rows - rows.mean(0)
    mapped -= mapped.mean(0)
    norms = float(np.linalg.norm(mapped) * np.linalg.norm(rows))
    return norms > 0 and float(np.vdot(mapped, rows)) > (1 - SAME) * norms


def _array(tensor: torch.Tensor) -> Array:
    """Bring a tensor to float64 in NumPy."""
    found: Array = tensor.detach().to("cpu", torch.float64).numpy()
    return found
