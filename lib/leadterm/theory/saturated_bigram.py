"""A function of every entry of the bigram basis function, which is sparse plus rank one like the bigram itself."""

from __future__ import annotations

import torch

from leadterm.errors import InputError
from leadterm.operators import Operator, RankOneOperator, SparseOperator, SumOperator
from leadterm.theory.basis import Basis
from leadterm.theory.saturation import Saturation


def saturated_bigram(basis: Basis, function: Saturation) -> Operator:
    """Return f(B), [CURRENT x NEXT], for a function f of one entry.

    Where a pair does not occur, the entry of B is -alpha_a / V, the same along its row: there f(B) is f(-alpha_a / V),
    and the difference at the pairs that occur is sparse.

    Parameters
    ----------
    basis : Basis
        With the paper's centring.
    function : Saturation
        f.

    Returns
    -------
    Operator, shape (V, V)
        As fast as the bigram. Entries are accurate to a few roundings of the largest of f, because f(-alpha_a / V) is
        subtracted at the pairs that occur and added again.

    Raises
    ------
    InputError
        If the basis is centred by frequency: its rows are then not constant where no pair occurs.
    """
    if basis.centring != "uniform":
        raise InputError("a function of each entry needs the paper's basis functions, with centring='uniform'.")
    occurring, everywhere = _parts(basis.bigram)
    u, v = everywhere.vectors
    absent = u * v[0]  # -alpha_a / V: v is 1/V in every column
    level, rows = function(absent), occurring.entry_rows
    beyond = occurring.with_entries(function(occurring.entries + absent[rows]) - level[rows])
    everywhere = RankOneOperator(level, torch.ones_like(v), basis.bigram.axes, dtype=u.dtype, device=u.device)
    return (beyond + everywhere).named(f"{function}(bigram)")


def centred_rows(operator: Operator, vocabulary_size: int) -> Operator:
    """Return an operator minus the mean of each row over the whole vocabulary; tokens not kept count as 0."""
    ones = torch.ones(operator.shape[1], dtype=operator.dtype, device=operator.device)
    means = (operator @ ones) / vocabulary_size
    level = RankOneOperator(means, ones, operator.axes, dtype=operator.dtype, device=operator.device)
    return operator - level


def _parts(bigram: Operator) -> tuple[SparseOperator, RankOneOperator]:
    """Return the two terms that the uniform centring makes a bigram of."""
    terms = bigram.terms if isinstance(bigram, SumOperator) else []
    if len(terms) == 2 and isinstance(terms[0], SparseOperator) and isinstance(terms[1], RankOneOperator):
        return terms[0], terms[1]
    raise TypeError(f"{bigram!r} is not the sparse matrix plus rank one that a basis is built of")
