"""The transformer of Definition 3.1: attention layers on one-hot tokens, no MLP, no normalisation."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from leadterm.errors import InputError
from leadterm.theory_model.batches import Batch

KINDS = ("output", "value", "query_key", "position")
"""The weights' names, in the order of the theory's table."""


class Transformer(torch.nn.Module):
    """The model whose weights the theory predicts.

    With X the one-hot tokens of a window, one row per position:

        h0 = X
        hl = h + softmax(mask(h Wl h' + DM(Pl))) h Vl    with h = the layer before
        logits = hL W_O

    DM(P) puts P_m where query minus key is m. A one-hot matrix is never made: hl = X + Dl with a dense Dl (n, V),
    D0 = 0, and every product with X is a choice of rows or columns,

        h W h' = (W[x] + D W)[:, x] + (W[x] + D W) D',   h V = V[x] + D V,   logits = W_O[x] + D W_O.

    Parameters
    ----------
    vocabulary_size : int
        V, at least 1.
    context_length : int
        T, at least 1: the most positions of a window.
    layers : int
        L, at least 1.
    dtype : torch.dtype
        float32 or float64.
    device : str or torch.device
        Where the weights lie.

    Attributes
    ----------
    output : torch.nn.Parameter, shape (V, V), [CURRENT x NEXT]
        W_O.
    value : torch.nn.ParameterList of shape (V, V), [CONTEXT x CURRENT]
        V of each layer.
    query_key : torch.nn.ParameterList of shape (V, V), [CURRENT x CONTEXT]
        W of each layer, query x key.
    position : torch.nn.ParameterList of shape (T,)
        P of each layer, by distance query minus key.

    Raises
    ------
    InputError
        If a size is less than 1.

    Examples
    --------
    >>> model = Transformer(vocabulary_size=5, context_length=4, layers=1)
    >>> model(torch.tensor([[0, 3, 3]])).shape
    torch.Size([1, 3, 5])
    """

    def __init__(
        self,
        vocabulary_size: int,
        context_length: int,
        layers: int,
        *,
        dtype: torch.dtype = torch.float64,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__()
        sizes = {"vocabulary_size": vocabulary_size, "context_length": context_length, "layers": layers}
        for name, size in sizes.items():
            if size < 1:
                raise InputError(f"{name} is {size}: a model needs at least 1. Change it.")
        self.vocabulary_size, self.context_length, self.layers = vocabulary_size, context_length, layers

        def zeros(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.zeros(*shape, dtype=dtype, device=device))

        square = (vocabulary_size, vocabulary_size)
        self.output = zeros(*square)
        self.value = torch.nn.ParameterList(zeros(*square) for _ in range(layers))
        self.query_key = torch.nn.ParameterList(zeros(*square) for _ in range(layers))
        self.position = torch.nn.ParameterList(zeros(context_length) for _ in range(layers))

    def initialise(self, spread: float, exponent: float, seed: int) -> None:
        """Draw every weight from N(0, v^2 / V^(2 + 2 xi)), v the spread and xi the exponent (Theorem D.13).

        Numbers are drawn in float64 on the CPU, so that they are the same on every device.
        """
        random = torch.Generator().manual_seed(seed)
        deviation = spread / self.vocabulary_size ** (1 + exponent)
        with torch.no_grad():
            for weight in self.parameters():
                weight.copy_(deviation * torch.randn(weight.shape, generator=random, dtype=torch.float64))

    def weights(self) -> Iterator[tuple[str, int | None, torch.nn.Parameter]]:
        """Yield each weight's kind, layer (1 to L; None for the output) and tensor, in the order of ``KINDS``."""
        yield "output", None, self.output
        for kind in KINDS[1:]:
            for layer, weight in enumerate(getattr(self, kind), start=1):
                yield kind, layer, weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits (windows, n, V) for tokens (windows, n), int64, n at most T."""
        hidden = self.hidden(tokens)
        return rows_of(self.output, tokens) + hidden @ self.output

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return D_L = h_L - X, (windows, n, V): what the layers add to the one-hot tokens."""
        first, *rest = zip(self.value, self.query_key, self.position, strict=True)
        hidden = _added(tokens, None, *first)
        for weights in rest:
            hidden = hidden + _added(tokens, hidden, *weights)
        return hidden

    def loss_sum(self, batch: Batch) -> torch.Tensor:
        """Return the cross-entropy summed over the positions of a batch, in nats; padding counts nothing."""
        hidden = self.hidden(batch.inputs).flatten(0, 1).index_select(0, batch.counted)
        tokens, targets = (part.flatten()[batch.counted] for part in (batch.inputs, batch.targets))
        return summed_loss(rows_of(self.output, tokens) + hidden @ self.output, targets)


def rows_of(matrix: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return X M: the row of each token, (*tokens.shape, V).

    The derivative of ``index_select`` adds rows in the order of the tokens, so that on a CPU training gives the same
    bits every time; that of ``matrix[tokens]`` does not promise it.
    """
    return matrix.index_select(0, tokens.flatten()).view(*tokens.shape, matrix.shape[1])


def pairs_of(matrix: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return X M X': the entry of each pair of tokens, (windows, n, n)."""
    pairs = tokens[:, :, None] * matrix.shape[1] + tokens[:, None, :]
    return matrix.flatten().index_select(0, pairs.flatten()).view_as(pairs)


def _added(
    tokens: torch.Tensor,
    hidden: torch.Tensor | None,
    value: torch.Tensor,
    query_key: torch.Tensor,
    position: torch.Tensor,
) -> torch.Tensor:
    """Return what a layer adds, softmax(mask(h W h' + DM(P))) h V, (windows, n, V); hidden is h - X, None for 0."""
    moved = rows_of(value, tokens)
    if hidden is None:
        scores = pairs_of(query_key, tokens)
    else:
        moved = moved + hidden @ value
        queries = rows_of(query_key, tokens) + hidden @ query_key
        keys = tokens[:, None, :].expand(*tokens.shape, tokens.shape[1])
        scores = queries.gather(2, keys) + queries @ hidden.mT
    return torch.softmax(scores + causal_bias(position, tokens.shape[1]), dim=-1) @ moved


def causal_bias(position: torch.Tensor, n: int) -> torch.Tensor:
    """Return DM(P) with the mask of a causal model: (n, n), P_m where query minus key is m, -inf above the diagonal."""
    places = torch.arange(n, device=position.device)
    distance = places[:, None] - places[None, :]
    bias = position.index_select(0, distance.clamp(min=0).flatten()).view(n, n)
    return bias.masked_fill(distance < 0, -torch.inf)


def summed_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy summed over positions, in nats: logits (positions, V), targets (positions,)."""
    return torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
