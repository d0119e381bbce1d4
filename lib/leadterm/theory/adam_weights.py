"""The leading terms under Adam, AdamW and sign descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadterm.operators import EntrywiseOperator, Operator, SparseOperator
from leadterm.theory.attention import Attention, ScoreFunctions
from leadterm.theory.basis import Basis
from leadterm.theory.descent import Descent
from leadterm.theory.optimizers import make_optimizer
from leadterm.theory.recursion import (
    Recursion,
    Share,
    sampled_entries,
    value_gradient,
    value_weight,
    weights_after_steps,
)
from leadterm.theory.saturated_bigram import saturated_bigram
from leadterm.theory.saturation import Saturation
from leadterm.theory.steps import PerWeight
from leadterm.theory.terms import Terms

LEAST_STEPS = 3
"""At which attention's weights first move."""


def adam_terms(basis: Basis, descent: Descent, attention: Attention | None) -> Terms:
    """Return the predicted weights of the optimizer's own recursion (`leadterm.theory.recursion`).

    Raises
    ------
    InputError
        If the attention terms are of other scores than this optimizer's.
    """
    recursion = Recursion.of(descent)
    gradient, function = value_gradient(basis, recursion.phi), recursion.value[-1]
    terms = Terms(
        output=(recursion.output[-1] * saturated_bigram(basis, recursion.phi)).named("W_O"),
        value=value_weight(gradient, function),
        query_key=None,
        position=None,
        coefficients=PerWeight(recursion.output[-1], function.limit, 0.0, 0.0),
        gradients={"output": basis.bigram, "value": gradient},
    )
    functions = None if attention is None else attention.require(recursion.phi)
    if attention is None or functions is None:
        return terms
    return _with_attention(terms, attention, functions, recursion, gradient, descent)


def score_functions(descent: Descent) -> ScoreFunctions:
    """Return what the scores are to be composed with that predict attention's weights after a training."""
    recursion = Recursion.of(descent)
    return ScoreFunctions(recursion.phi, recursion.shape())


def counted_descent(settings: Mapping[str, Any]) -> Descent:
    """Return the training whose scores were composed, from the keys of the section ``theory`` in their manifest.

    Those that make no difference are None there.

    Raises
    ------
    InputError
        If the optimizer is not known, or a number is out of range.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    chosen = {name: given[name] for name in ("betas", "eps", "weight_decay") if name in given}
    return Descent(
        steps=given.get("steps", LEAST_STEPS),
        learning_rate=given.get("learning_rate", 1.0),
        layers=given.get("layers", 1),
        context_length=1,
        optimizer=make_optimizer(given["optimizer"], **chosen),
        order=given.get("order", 1),
    )


def _with_attention(
    terms: Terms,
    attention: Attention,
    functions: ScoreFunctions,
    recursion: Recursion,
    gradient: Operator,
    descent: Descent,
) -> Terms:
    """Add attention's weights, functions of the entries of its terms."""
    return with_shares(terms, attention, recursion.shares(sampled_entries(gradient), functions.shape), descent)


def with_shares(terms: Terms, attention: Attention, shares: Sequence[Share], descent: Descent) -> Terms:
    """Add attention's weights: gradients are the shares of each step times the counted terms."""
    scales = [share.multiple for share in shares]
    function = weights_after_steps(descent.optimizer, descent.learning_rate, scales)[-1]
    coefficients = PerWeight(terms.coefficients.output, terms.coefficients.value, function.limit, function.limit)
    return Terms(
        output=terms.output,
        value=terms.value,
        query_key=_entrywise(function, attention.query_key).named("W"),
        position=function(attention.position),
        coefficients=coefficients,
        shares=tuple(shares),
        gradients={**terms.gradients, "query_key": attention.query_key, "position": attention.position},
    )


def _entrywise(function: Saturation, matrix: Operator) -> Operator:
    """Return a function of each entry; of a sparse matrix it is sparse, since it is 0 at 0."""
    if isinstance(matrix, SparseOperator):
        return matrix.with_entries(function(matrix.entries))
    return EntrywiseOperator(function, matrix)
