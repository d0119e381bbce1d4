"""The model with its weights multiplied with each other once a step, not with hidden states at every position.

Attention mixes positions and the value matrices mix tokens, so a hidden state is a sum over *paths*: which layers a
token's information went through on its way, each an attention product C (n, n) and a product of value matrices,

    hl = sum over paths p of C_p X V_p,    C of the empty path = 1, V of the empty path = 1,
    layer l turns p into (p, l):           C_(p,l) = A_l C_p,   V_(p,l) = V_p V_l.

Scores and logits then need the weights only as products of V x V matrices, whose rows and columns tokens choose:

    h W h' = sum over p, q of C_p (V_p W V_q')[x][:, x] C_q',    logits = sum over p of C_p (V_p W_O)[x].

So a step costs V^3 for each product and T V for each position and path, in place of V^2 for each position and weight.
There are 2^L products with W_O, and 4^(l-1) in layer l: it pays where a step has many more positions than the
vocabulary has tokens and layers are few. The numbers are the same up to rounding.
"""

from __future__ import annotations

import torch

from leadterm.theory_model.batches import Batch
from leadterm.theory_model.transformer import Transformer, causal_bias, pairs_of, rows_of, summed_loss

Path = tuple[int, ...]
"""The layers that a path goes through, ascending, from 1."""


class Expansion:
    """The products of a model's weights, through which gradients are collected before they go to the weights.

    Parameters
    ----------
    model : Transformer
        Its weights are used as they are now.

    Examples
    --------
    >>> model = Transformer(vocabulary_size=5, context_length=4, layers=2)
    >>> expansion = Expansion(model)
    >>> sorted(expansion.outputs)
    [(), (1,), (1, 2), (2,)]
    """

    def __init__(self, model: Transformer) -> None:
        self._positions = model.position
        self._made: list[torch.Tensor] = []
        self._held: list[torch.Tensor] = []
        self.scores: list[dict[tuple[Path, Path], torch.Tensor]] = []
        # Few products, through which all gradients go: they keep the weights' type even where autocast is on.
        with torch.autocast(model.output.device.type, enabled=False):
            self.outputs = self._multiply(model)

    def _multiply(self, model: Transformer) -> dict[Path, torch.Tensor]:
        """Make all products; returns those with W_O, by path."""
        values: dict[Path, torch.Tensor | None] = {(): None}
        for layer, (value, query_key) in enumerate(zip(model.value, model.query_key, strict=True), start=1):
            queries = {path: _times(left, query_key) for path, left in values.items()}
            self.scores.append(
                {
                    (p, q): self._hold(query if right is None else query @ right.T)
                    for p, query in queries.items()
                    for q, right in values.items()
                }
            )
            values |= {(*path, layer): _times(left, value) for path, left in values.items()}
        return {path: self._hold(_times(left, model.output)) for path, left in values.items()}

    def _hold(self, product: torch.Tensor) -> torch.Tensor:
        """Remember a product and return a copy that gathers its gradient."""
        self._made.append(product)
        self._held.append(product.detach().requires_grad_(product.requires_grad))
        return self._held[-1]

    def loss_sum(self, batch: Batch) -> torch.Tensor:
        """Return the cross-entropy summed over the positions of a batch, in nats; see ``Transformer.loss_sum``."""
        tokens = batch.inputs
        mixings: dict[Path, torch.Tensor | None] = {(): None}
        for layer, (products, position) in enumerate(zip(self.scores, self._positions, strict=True), start=1):
            scores = _mixed_scores(tokens, products, mixings) + causal_bias(position, tokens.shape[1])
            attention = torch.softmax(scores, dim=-1)
            mixings |= {
                (*path, layer): attention if mixing is None else attention @ mixing for path, mixing in mixings.items()
            }
        logits = rows_of(self.outputs[()], tokens)
        for path, mixing in mixings.items():
            if mixing is not None:
                logits = logits + mixing @ rows_of(self.outputs[path], tokens)
        return summed_loss(logits.flatten(0, 1).index_select(0, batch.counted), batch.targets.flatten()[batch.counted])

    def backward(self) -> None:
        """Pass the gradients that were gathered on to the weights."""
        pairs = [(made, held.grad) for made, held in zip(self._made, self._held, strict=True) if held.grad is not None]
        torch.autograd.backward([made for made, _ in pairs], [gradient for _, gradient in pairs])


def _times(left: torch.Tensor | None, right: torch.Tensor) -> torch.Tensor:
    """Return a product of which the left factor may be 1."""
    return right if left is None else left @ right


def _mixed_scores(
    tokens: torch.Tensor, products: dict[tuple[Path, Path], torch.Tensor], mixings: dict[Path, torch.Tensor | None]
) -> torch.Tensor:
    """Return h W h', (windows, n, n), from the products of one layer."""
    total = torch.zeros((), dtype=products[(), ()].dtype, device=tokens.device)
    for p, left in mixings.items():
        for q, right in mixings.items():
            chosen = pairs_of(products[p, q], tokens)
            total = total + _times(left, chosen if right is None else chosen @ right.mT)
    return total
