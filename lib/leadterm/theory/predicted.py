"""The weights that the theory predicts after some steps of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from leadterm.errors import InputError
from leadterm.operators import Operator
from leadterm.theory.adam_next_order import adam_next_order_terms
from leadterm.theory.adam_weights import adam_terms
from leadterm.theory.attention import Attention
from leadterm.theory.basis import Basis
from leadterm.theory.conditions import Condition, conditions, gaussian_failure
from leadterm.theory.descent import Descent, Gaussian
from leadterm.theory.next_order import next_order_terms
from leadterm.theory.optimizers import GradientDescent, Optimizer
from leadterm.theory.recursion import Share
from leadterm.theory.steps import PerWeight, error_bounds, leading_coefficients
from leadterm.theory.terms import Terms

UNPROVED = "no bound is proved"


@dataclass(frozen=True, eq=False)
class PredictedWeights:
    """The predicted weights of a model of Definition 3.1 after s steps of training.

    Attributes
    ----------
    output : Operator, shape (V, V), [CURRENT x NEXT]
        W_O: s eta B, with `order` 2 plus its next terms; under Adam s eta phi(B), with phi(x) = x / (|x| + eps).
    value : Operator or tuple of Operator, shape (V, V), [CONTEXT x CURRENT]
        The value matrix: C(s,2) eta^2 V, the same in every layer; with `order` 2 one for each of the L layers; under
        Adam a function of each entry of U = Phi' phi(B)', the same in every layer.
    query_key : Operator or None, shape (V, V), [CURRENT x CONTEXT]
        W = (3 C(s,4) + 2 C(s,3)) eta^4 Q; under Adam a function of each entry of Adam's Q. The same in every layer,
        and its leading term whatever the order. None if Q was not counted.
    position : torch.Tensor or None, shape (T,), float64
        P, the same for Delta.
    coefficients : PerWeight
        The factor of each weight's composition: W = coefficients.query_key * Q. Under Adam, where a weight is a
        function of a composition's entries, the value for an entry far above eps; for W_O the factor of phi(B).
    conditions : tuple of Condition
        Those of Theorems 4.1 and D.10, and for drawn weights also those of D.13; none if no theorem applies.
    failure : float
        Upper bound on the probability that a bound fails, over the draw of the initial weights, if all conditions
        hold; 0 for weights that start at zero, 1 if nothing is proved.
    descent : Descent
        Steps, learning rate, layers, context length, initialisation, optimizer and order.
    vocabulary_size : int
        V of the whole vocabulary.
    shares : tuple of Share
        Under Adam, for each step: how much of its scores are the scores whose attention terms were counted. Their
        `cosine` says how well one composition represents the step. Empty for gradient descent, where it is exact.
    gradients : mapping of str to Operator or torch.Tensor
        Under Adam, by the weight's name, the matrix that its gradients are multiples of to leading order. Where an
        entry is nearly 0, the next order decides its sign. Empty for gradient descent, whose weights are multiples of
        it themselves.
    made_from : mapping of str to str
        The products of the run from which the counts come, if known: name and content hash of each.
    """

    output: Operator
    value: Operator | tuple[Operator, ...]
    query_key: Operator | None
    position: torch.Tensor | None
    coefficients: PerWeight
    conditions: tuple[Condition, ...]
    failure: float
    descent: Descent
    vocabulary_size: int
    shares: tuple[Share, ...] = ()
    gradients: Mapping[str, Operator | torch.Tensor] = field(default_factory=dict)
    made_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def bounds(self) -> PerWeight:
        """On the Frobenius norm of weight minus prediction; proved only if `within_theorem`, and with `probability`.

        Raises
        ------
        InputError
            If no bound is proved: for optimizers other than gradient descent, and for the next order; see
            `has_bounds`.
        """
        if not self.has_bounds:
            raise InputError(
                f"{UNPROVED} for {self.descent.optimizer!r} with order={self.descent.order}: the theorems are about "
                "the leading terms under gradient descent (optimizer=GradientDescent(), order=1)."
            )
        return error_bounds(self.descent.steps, self.descent.learning_rate, self.descent.context_length)

    @property
    def has_bounds(self) -> bool:
        """Whether there are bounds at all, whose conditions may hold or not."""
        return self.descent.has_bounds

    @property
    def extent(self) -> float:
        """How far training has gone, as the prediction sees it: s eta; where entries move by eta a step, s eta V.

        Adam moves every entry of W_O by about eta whatever its gradient, so that a row of V entries grows by V eta a
        step. The error of a prediction grows with it; measured figures stand in ``docs/decisions/adam.md``.
        """
        extent = self.descent.steps * self.descent.learning_rate
        return extent if isinstance(self.descent.optimizer, GradientDescent) else extent * self.vocabulary_size

    def value_of(self, layer: int) -> Operator:
        """Return the value matrix of a layer, from 1 to L."""
        if not 1 <= layer <= self.descent.layers:
            raise InputError(f"layer must be 1 to {self.descent.layers}, found {layer}.")
        return self.value[layer - 1] if isinstance(self.value, tuple) else self.value

    @property
    def within_theorem(self) -> bool:
        """Whether every condition of the theorem holds, so that the bounds are proved."""
        return self.has_bounds and all(condition.holds for condition in self.conditions)

    @property
    def probability(self) -> float:
        """Lower bound on the probability that all bounds hold; 0 outside the theorem, 1 for weights that start at zero.

        For drawn weights it rounds to 1 unless the vocabulary is small; `failure` gives the difference from 1.
        """
        return 1 - self.failure if self.within_theorem else 0.0

    @property
    def initialisation(self) -> Gaussian | None:
        """The weights before the first step; None: all zero."""
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
    optimizer: Optimizer = GradientDescent(),  # noqa: B008  # frozen
    order: int = 1,
    made_from: Mapping[str, str] | None = None,
) -> PredictedWeights:
    """Return the predicted weights after full-batch training: by gradient descent (Theorem 4.1), or another optimizer.

    Under gradient descent the prediction and its bounds are the same for weights that start at zero and for small ones
    drawn from a Gaussian (Theorem D.13); the conditions, and the probability with which the bounds are proved, are not.

    Parameters
    ----------
    basis : Basis
        Of the training corpus, with the paper's centring.
    steps : int
        s, at least 0.
    learning_rate : float
        eta, positive.
    layers : int
        L, at least 1.
    context_length : int
        T, at least 1: the largest number of positions of a window.
    attention : Attention, optional
        Of the corpus, for this optimizer.
    initialisation : Gaussian, optional
        The weights before the first step. Default: all zero.
    optimizer : GradientDescent, Adam, AdamW or SignDescent
        How a step is computed from a gradient. Theorems cover only gradient descent.
    order : {1, 2}
        1: the leading terms. 2: those of the next order too. For gradient descent they need a basis that was built
        with their counts; for Adam what layers feed back into W_O is added, computed by blocks of rows.
    made_from : mapping of str to str, optional
        The origin of the counts, for `PredictedWeights.made_from`.

    Raises
    ------
    InputError
        If a number is out of range; the basis is centred by frequency, which the theorem does not cover; the second
        order is requested but the basis lacks its counts; or the attention terms belong to another optimizer.

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
    descent = Descent(steps, learning_rate, layers, context_length, initialisation, optimizer, order)
    if basis.centring != "uniform":
        raise InputError("the theorem is about the paper's basis functions: build the basis with centring='uniform'.")
    terms, size = _terms(basis, descent, attention), basis.vocabulary_size
    unproved = descent.initialisation is not None and not descent.has_bounds
    failure = 0.0 if initialisation is None else gaussian_failure(layers, size, initialisation.exponent)
    return PredictedWeights(
        output=terms.output,
        value=terms.value,
        query_key=terms.query_key,
        position=terms.position,
        coefficients=terms.coefficients,
        conditions=conditions(descent, size) if descent.has_bounds else (),
        failure=1.0 if unproved else failure,
        descent=descent,
        vocabulary_size=size,
        shares=terms.shares,
        gradients=terms.gradients,
        made_from=dict(made_from or {}),
    )


def _terms(basis: Basis, descent: Descent, attention: Attention | None) -> Terms:
    """Return the terms of each weight, by the optimizer and the order."""
    if not isinstance(descent.optimizer, GradientDescent):
        return (adam_terms if descent.order == 1 else adam_next_order_terms)(basis, descent, attention)
    leading = _leading_terms(basis, descent, attention)
    return leading if descent.order == 1 else next_order_terms(basis, descent, leading)


def _leading_terms(basis: Basis, descent: Descent, attention: Attention | None) -> Terms:
    """Return the paper's leading terms (Theorem 4.1)."""
    if attention is not None:
        attention.require(None)
    coefficients = leading_coefficients(descent.steps, descent.learning_rate)
    return Terms(
        output=(coefficients.output * basis.bigram).named("W_O"),
        value=(coefficients.value * basis.value).named("V"),
        query_key=None if attention is None else (coefficients.query_key * attention.query_key).named("W"),
        position=None if attention is None else coefficients.position * attention.position,
        coefficients=coefficients,
    )
