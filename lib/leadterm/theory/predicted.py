"""The weights that the theory predicts after some steps of gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from leadterm.errors import InputError
from leadterm.operators import Operator
from leadterm.theory.basis import Basis
from leadterm.theory.conditions import Condition, conditions, gaussian_failure
from leadterm.theory.descent import Descent, Gaussian
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
    """Leading terms of the weights of a model of Definition 3.1 after s steps of gradient descent.

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
        On the Frobenius norm of weight minus prediction, proved only where `within_theorem`, and with `probability`.
    conditions : tuple of Condition
        Those of Theorems 4.1 and D.10, and for weights that are drawn those of D.13.
    failure : float
        What the probability that a bound fails is at most where all conditions hold, over the draw of the initial
        weights; 0 for weights that start at zero, 1 where nothing is proved.
    descent : Descent
        Steps, learning rate, layers, context length and initialisation.
    made_from : mapping of str to str
        What the counts are, where it is known: the name and the content hash of each product of the run.
    """

    output: Operator
    value: Operator
    query_key: Operator | None
    position: torch.Tensor | None
    coefficients: PerWeight
    bounds: PerWeight
    conditions: tuple[Condition, ...]
    failure: float
    descent: Descent
    made_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def within_theorem(self) -> bool:
        """Whether every condition of the theorem holds, so that the bounds are proved."""
        return all(condition.holds for condition in self.conditions)

    @property
    def probability(self) -> float:
        """The least probability with which all bounds hold; 0 outside the theorem, 1 for weights that start at zero.

        For drawn weights it rounds to 1 as soon as the vocabulary is not small; `failure` says by how much it is less.
        """
        return 1 - self.failure if self.within_theorem else 0.0

    @property
    def initialisation(self) -> Gaussian | None:
        """What the weights are before the first step; None: all zero."""
        return self.descent.initialisation


def predicted_weights(
    basis: Basis,
    steps: int,
    learning_rate: float,
    layers: int,
    context_length: int,
    attention: Attention | None = None,
    initialisation: Gaussian | None = None,
    *,
    made_from: Mapping[str, str] | None = None,
) -> PredictedWeights:
    """Return the predicted weights after full-batch gradient descent (Theorem 4.1).

    The prediction and its bounds are the same for weights that start at zero and for small ones drawn from a Gaussian
    (Theorem D.13); the conditions, and the probability with which the bounds are proved, are not.

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
    initialisation : Gaussian, optional
        What the weights are before the first step. Default: all zero.
    made_from : mapping of str to str, optional
        What the counts are, for `PredictedWeights.made_from`.

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
    descent = Descent(steps, learning_rate, layers, context_length, initialisation)
    if basis.centring != "uniform":
        raise InputError("the theorem is about the paper's basis functions: build the basis with centring='uniform'.")
    coefficients, size = leading_coefficients(steps, learning_rate), basis.vocabulary_size
    return PredictedWeights(
        output=(coefficients.output * basis.bigram).named("W_O"),
        value=(coefficients.value * basis.value).named("V"),
        query_key=None if attention is None else (coefficients.query_key * attention.query_key).named("W"),
        position=None if attention is None else coefficients.position * attention.position,
        coefficients=coefficients,
        bounds=error_bounds(steps, learning_rate, context_length),
        conditions=conditions(descent, size),
        failure=0.0 if initialisation is None else gaussian_failure(layers, size, initialisation.exponent),
        descent=descent,
        made_from=dict(made_from or {}),
    )
