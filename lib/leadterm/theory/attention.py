"""The attention terms of a corpus, and the scores from which they were computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from leadterm.errors import InputError
from leadterm.operators import EntrywiseOperator, Operator
from leadterm.theory.basis import Basis
from leadterm.theory.descent import Descent
from leadterm.theory.recursion import Share
from leadterm.theory.saturated_bigram import centred_rows, saturated_bigram
from leadterm.theory.saturation import Saturation


@dataclass(frozen=True)
class ScoreFunctions:
    """The entrywise functions with which Adam's scores are composed.

    The scores are C' shape(U)', [NEXT x CONTEXT], with U = Phi' phi(B)' and C = phi(B) minus the means of its rows.

    Attributes
    ----------
    phi : Saturation
        Of the bigram basis function.
    shape : Saturation
        Of U.
    """

    phi: Saturation
    shape: Saturation

    def scores(self, basis: Basis) -> Operator:
        """Return the scores from which attention terms are counted, as an operator [NEXT x CONTEXT]."""
        bigram = saturated_bigram(basis, self.phi)
        outer = centred_rows(bigram, basis.vocabulary_size)
        return (outer.T @ EntrywiseOperator(self.shape, bigram @ basis.context)).named("scores")


@dataclass(frozen=True, eq=False)
class Attention:
    """The attention terms of a corpus, per position.

    Attributes
    ----------
    query_key : Operator, shape (V, V), [CURRENT x CONTEXT]
        Q [16, 17]; queries are rows.
    position : torch.Tensor, shape (T,), float64
        Delta: the bias for each distance, query minus key.
    functions : ScoreFunctions or None
        The functions with which the scores were composed; None for the paper's scores, B'B Phi, and for those of the
        next order under Adam.
    descent : Descent or None
        The training whose scores these are, for the next order under Adam.
    shares : tuple of Share
        What multiple of these scores those of each of its steps are.
    """

    query_key: Operator
    position: torch.Tensor
    functions: ScoreFunctions | None = None
    descent: Descent | None = None
    shares: tuple[Share, ...] = ()

    def serves(self, descent: Descent) -> bool:
        """Whether they are of the next order under Adam, for a training of this kind of so many steps or more."""
        if self.descent is None or self.descent.steps < descent.steps:
            return False
        mine, its = (
            (one.optimizer, one.learning_rate, one.layers, one.order, one.initialisation)
            for one in (self.descent, descent)
        )
        return mine == its

    def require(self, phi: Saturation | None) -> ScoreFunctions | None:
        """Return the functions of the scores, refusing those of another optimizer (None: gradient descent).

        Raises
        ------
        InputError
            If they were composed with another phi, or without one if one is required.
        """
        found = None if self.functions is None else self.functions.phi
        if found != phi:
            raise InputError(
                f"these attention terms are {_described(found)}, and {_described(phi)} are needed. Count those of the "
                "optimizer: theory.optimizer and theory.eps in the config."
            )
        return self.functions


def _described(phi: Saturation | None) -> str:
    """Say whose attention terms have this phi."""
    return "those of gradient descent" if phi is None else f"those of an optimizer with eps={phi.eps:g}"
