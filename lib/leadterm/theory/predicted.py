"""The weights that the theory predicts after some steps of gradient descent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

import torch

from leadterm.errors import InputError
from leadterm.operators import Operator
from leadterm.theory.basis import Basis
from leadterm.theory.conditions import Condition, zero_initialisation_conditions
from leadterm.theory.steps import PerWeight, error_bounds, leading_coefficients


@dataclass(frozen=True, eq=False)
class Attention:
    """What a corpus says of attention, per position.

    Attributes
    ----------
    query_key : Operator, shape (V, V), [CURRENT x CONTEXT]
        Q [16, 17]; queries are rows.
    position : torch.Tensor, shape (T,), float64
        Delta: the bias of each distance, query minus key.
    """

    query_key: Operator
    position: torch.Tensor


@dataclass(frozen=True, eq=False)
class PredictedWeights:
    """Leading terms of the weights of a model of Definition 3.1 after s steps of gradient descent from zero.

    Attributes
    ----------
    output : Operator, shape (V, V), [CURRENT x NEXT]
        W_O = s eta B.
    value : Operator, shape (V, V), [CONTEXT x CURRENT]
        The value matrix, C(s,2) eta^2 V; the same in every layer.
    query_key : Operator or None, shape (V, V), [CURRENT x CONTEXT]
        W = (3 C(s,4) + 2 C(s,3)) eta^4 Q; the same in every layer. None where Q was not counted.
    position : torch.Tensor or None, shape (T,), float64
        P, the same multiple of Delta.
    coefficients : PerWeight
        What multiplies the composition of each weight; W = coefficients.query_key * Q, P = coefficients.position *
        Delta.
    bounds : PerWeight
        On the Frobenius norm of weight minus prediction, proved only where `within_theorem`.
    conditions : tuple of Condition
        Those of Theorems 4.1 and D.10.
    """

    output: Operator
    value: Operator
    query_key: Operator | None
    position: torch.Tensor | None
    coefficients: PerWeight
    bounds: PerWeight
    conditions: tuple[Condition, ...]

    @property
    def within_theorem(self) -> bool:
        """Whether every condition of the theorem holds, so that the bounds are proved."""
        return all(condition.holds for condition in self.conditions)


def predicted_weights(
    basis: Basis,
    steps: int,
    learning_rate: float,
    layers: int,
    context_length: int,
    attention: Attention | None = None,
) -> PredictedWeights:
    """Return the predicted weights after full-batch gradient descent from zero (Theorem 4.1).

    Parameters
    ----------
    basis : Basis
        Of the corpus trained on, with the paper's centring.
    steps : int
        s, at least 0.
    learning_rate : float
        eta, positive.
    layers : int
        L, at least 1.
    context_length : int
        T, at least 1: the largest number of positions of a window.
    attention : Attention, optional
        Of the corpus.

    Raises
    ------
    InputError
        If a number is out of range, or the basis is centred by frequency, of which the theorem does not speak.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> counts = sparse.csr_array(np.array([[0, 1], [1, 0]]))
    >>> basis = Basis.from_counts(counts, counts * 1.0, 2,
    ...     current_frequency=np.array([0.5, 0.5]), context_frequency=np.array([0.5, 0.5]))
    >>> weights = predicted_weights(basis, steps=4, learning_rate=0.5, layers=1, context_length=1)
    >>> weights.output.to_dense()
    tensor([[-0.5000,  0.5000],
            [ 0.5000, -0.5000]], dtype=torch.float64)
    >>> weights.within_theorem
    False
    """
    for name, number, least in (("steps", steps, 0), ("layers", layers, 1), ("context_length", context_length, 1)):
        if not isinstance(number, Integral) or isinstance(number, bool) or number < least:
            raise InputError(f"{name} must be a whole number of at least {least}, found {number!r}.")
    if not isinstance(learning_rate, Real) or not math.isfinite(learning_rate) or learning_rate <= 0:
        raise InputError(f"learning_rate must be a positive number, found {learning_rate!r}.")
    if basis.centring != "uniform":
        raise InputError("the theorem is about the paper's basis functions: build the basis with centring='uniform'.")
    coefficients = leading_coefficients(steps, learning_rate)
    return PredictedWeights(
        output=(coefficients.output * basis.bigram).named("W_O"),
        value=(coefficients.value * basis.value).named("V"),
        query_key=None if attention is None else (coefficients.query_key * attention.query_key).named("W"),
        position=None if attention is None else coefficients.position * attention.position,
        coefficients=coefficients,
        bounds=error_bounds(steps, learning_rate, context_length),
        conditions=zero_initialisation_conditions(steps, learning_rate, layers, context_length, basis.vocabulary_size),
    )
