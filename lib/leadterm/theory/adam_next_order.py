"""The weights under Adam to the next order, and the scores whose attention terms they need."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from leadterm.operators.row_blocks import WORKSPACE, row_blocks
from leadterm.theory.adam_weights import adam_terms, with_shares
from leadterm.theory.attention import Attention
from leadterm.theory.basis import Basis
from leadterm.theory.descent import Descent
from leadterm.theory.recursion import Share, linear_weights, sampled_rows, share_of
from leadterm.theory.row_recursion import RecursionOperator, RowRecursion
from leadterm.theory.terms import Terms


def adam_next_order_terms(basis: Basis, descent: Descent, attention: Attention | None) -> Terms:
    """Return the predicted weights of the recursion in which layers feed back (`leadterm.theory.row_recursion`).

    Attention's weights only where their terms were counted of this recursion's scores: for the same optimizer, learning
    rate and layers, and at least as many steps.
    """
    recursion = RowRecursion(basis, descent)
    terms = replace(
        adam_terms(basis, descent, None),
        output=RecursionOperator(recursion, 0).named("W_O"),
        value=RecursionOperator(recursion, 1).T.named("V"),
    )
    if attention is None or not attention.serves(descent):
        return terms
    return with_shares(terms, attention, attention.shares[: descent.steps], descent)


def next_order_scores(
    basis: Basis, descent: Descent, memory_bytes: int = WORKSPACE
) -> tuple[torch.Tensor, torch.Tensor, list[Share]]:
    """Compose the scores that stand for those of all steps, and say how far they do.

    The scores of step k are (W_O - its rows' means)' V'. Their mean is taken with the weights that the optimizer gives
    the gradients of the steps where eps is far above them, as for the leading terms.

    Parameters
    ----------
    basis : Basis
        Of the corpus, with k tokens.
    descent : Descent
        How it is trained.
    memory_bytes : int
        What a block of rows may take; the scores come on top: k x k numbers.

    Returns
    -------
    scores : torch.Tensor, shape (k, k), [NEXT x CONTEXT]
        Of kept tokens, less `mean`.
    mean : torch.Tensor, shape (k,)
        What a context token scores over all next tokens of the whole vocabulary, on average.
    shares : list of Share
        Of steps 1 to s, from some context tokens.
    """
    recursion, size = RowRecursion(basis, descent), basis.bigram.shape[0]
    operator = RecursionOperator(recursion, 0)
    weights = linear_weights(descent.optimizer, descent.learning_rate, descent.steps)
    total, chosen = math.fsum(weights[2:]), sampled_rows(size)
    scores = torch.zeros(size, size, dtype=operator.dtype, device=operator.device)
    mean = scores.new_zeros(size)
    samples = [scores.new_zeros(size, len(chosen)) for _ in weights]
    for rows in row_blocks(operator, recursion.row_bytes(), memory_bytes):
        for step, (output, value) in zip(range(descent.steps), recursion.weights(rows), strict=False):
            means = output.sum(dim=1) / basis.vocabulary_size
            centred, weight = output - means[:, None], weights[step] / total if total else 0.0
            scores.addmm_(centred.T, value, alpha=weight)
            mean.add_(means @ value, alpha=weight)
            samples[step].add_(centred.T @ value[:, chosen])
    return scores, mean, [share_of(sample, scores[:, chosen]) for sample in samples]
