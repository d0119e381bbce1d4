"""How W_Q, W_K, W_V and W_O lie in the tensors of each kind of attention."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Rows = tuple[Tensor, Tensor | None]
"""Of a projection: its weight (d_out, d_model), and its bias (d_out,) where it has one."""


@dataclass(frozen=True)
class Heads:
    """Attention heads: `n_queries`, `n_keys` (each serves as many query heads, which follow each other), `d_head`."""

    n_queries: int
    n_keys: int
    d_head: int

    @classmethod
    def of(cls, config: Any) -> "Heads":
        """Read them from a configuration of transformers."""
        n_queries = config.num_attention_heads
        n_keys = getattr(config, "num_key_value_heads", None) or n_queries
        if getattr(config, "new_decoder_architecture", False):  # Falcon; else its num_kv_heads is not used
            n_keys = config.num_kv_heads
        elif getattr(config, "multi_query", False):  # Falcon, GPT-BigCode
            n_keys = 1
        return cls(n_queries, n_keys, getattr(config, "head_dim", None) or config.hidden_size // n_queries)


Projections = Callable[[Any, Heads], tuple[Rows, Rows, Rows]]
"""Takes the module that holds the projections apart: rows of the queries, the keys and the values, in the order of
heads."""


def separate(module: Any, heads: Heads) -> tuple[Rows, Rows, Rows]:
    """``q_proj``, ``k_proj`` and ``v_proj``, as most families have them."""
    return _rows(module.q_proj), _rows(module.k_proj), _rows(module.v_proj)


def stacked(name: str) -> Projections:
    """Make a reader of one projection whose rows are all queries, then all keys, then all values (GPT-2, Phi-3)."""

    def split(module: Any, heads: Heads) -> tuple[Rows, Rows, Rows]:
        weight, bias = _rows(getattr(module, name))
        queries, keys = heads.n_queries * heads.d_head, heads.n_keys * heads.d_head
        parts = slice(0, queries), slice(queries, queries + keys), slice(queries + keys, queries + 2 * keys)
        first, second, third = ((weight[part], None if bias is None else bias[part]) for part in parts)
        return first, second, third

    return split


def interleaved(name: str) -> Projections:
    """Make a reader of one projection that goes by key heads: the queries that it serves, itself, its value.

    GPT-NeoX and BLOOM have one query for each, Falcon several, and GPT-BigCode one key for all queries.
    """

    def split(module: Any, heads: Heads) -> tuple[Rows, Rows, Rows]:
        weight, bias = _rows(getattr(module, name))
        served = heads.n_queries // heads.n_keys
        by_key = (heads.n_keys, served + 2, heads.d_head)
        weights, biases = weight.view(*by_key, -1), None if bias is None else bias.view(by_key)
        first, second, third = (
            (weights[:, part].flatten(0, 2), None if biases is None else biases[:, part].flatten())
            for part in (slice(served), slice(served, served + 1), slice(served + 1, served + 2))
        )
        return first, second, third

    return split


def _rows(linear: Any) -> Rows:
    # GPT-2's Conv1D is a linear map that keeps its weight the other way round.
    return linear.weight if isinstance(linear, nn.Linear) else linear.weight.T, linear.bias


def head_maps(rows: Rows, n_heads: int, heads: Heads) -> tuple[Tensor, Tensor]:
    """Bring the rows of a projection into maps per query head.

    Parameters
    ----------
    rows
        Weight (n_heads · d_head, d_model) and bias.
    n_heads
        Of this projection: of the queries or of the keys.
    heads
        The heads of the attention.

    Returns
    -------
    weight : Tensor, (n_queries, d_model, d_head)
    bias : Tensor, (n_queries, d_head)
        Zeros where there is none. A key head stands once for each query head that it serves.
    """
    weight, bias = rows
    bias = torch.zeros_like(weight[:, 0]) if bias is None else bias
    by_head, times = (n_heads, heads.d_head), heads.n_queries // n_heads
    maps, biases = weight.view(*by_head, -1).transpose(1, 2), bias.view(by_head)
    if times == 1:
        return maps, biases
    return maps.repeat_interleave(times, 0), biases.repeat_interleave(times, 0)


def output_maps(linear: Any, heads: Heads) -> tuple[Tensor, Tensor]:
    """Bring the projection that attention ends with into maps per query head.

    Parameters
    ----------
    linear
        The module, from the heads' results end to end to the stream.
    heads
        The heads of the attention.

    Returns
    -------
    weight : Tensor, (n_queries, d_head, d_model)
    bias : Tensor, (d_model,)
        Zeros where there is none.
    """
    weight, bias = _rows(linear)
    maps = weight.T.reshape(heads.n_queries, heads.d_head, -1)
    return maps, torch.zeros_like(weight[:, 0]) if bias is None else bias
