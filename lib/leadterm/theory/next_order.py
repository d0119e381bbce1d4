"""The next order in eta of the weights under gradient descent, which refines predictions and distinguishes layers.

With Phi_2 the context map over two hops (attention of attention), Psi which tokens are in the context of which current
token, and terms of relative size 1/V dropped but for the first:

    W_O   s eta B + L C(s,3) eta^3 B Phi Phi' - C(s,2) (eta^2 / V) diag(alpha) B
    V_l   C(s,2) eta^2 V + eta^4 [ L c_3 Phi' Phi V + (l - 1) c_2 V' Phi_2' B' + (L - l) c_2 Phi_2' B' V' ]
          - (eta^3 / V) [ n_2 Psi B B' + C(s,3) Phi' (diag(alpha) B)' ]

with c_2 = sum_{k<s} k C(k,2), c_3 = sum_{k<s} C(k,3), n_2 = sum_{k<s} k^2. The layers below l write V' into what l
reads, (l - 1) times; those above read what it writes, (L - l) times. Attention's weights keep their leading terms.
"""

from __future__ import annotations

from dataclasses import replace
from math import comb

from leadterm.axes import Axis
from leadterm.errors import InputError
from leadterm.operators import Operator, RelabelledOperator
from leadterm.theory.basis import Basis
from leadterm.theory.descent import Descent
from leadterm.theory.next_order_basis import NextOrder
from leadterm.theory.terms import Terms


def next_order_terms(basis: Basis, descent: Descent, leading: Terms) -> Terms:
    """Return the leading terms plus the next ones; a value matrix for each layer.

    Raises
    ------
    InputError
        If the basis was built without the counts that they need.
    """
    if basis.next_order is None:
        raise InputError(
            "order=2 needs the two-hop context map and the contexts of current tokens, which were not counted: set "
            "theory.order to 2 in the config and count again."
        )
    return replace(
        leading,
        output=_sum(leading.output, _output_terms(basis, basis.next_order, descent)).named("W_O"),
        value=tuple(
            _sum(leading.coefficients.value * basis.value, _value_terms(basis, basis.next_order, descent, layer)).named(
                f"V_{layer}"
            )
            for layer in range(1, descent.layers + 1)
        ),
    )


def _output_terms(basis: Basis, more: NextOrder, descent: Descent) -> list[tuple[float, Operator]]:
    """Return what is added to W_O, with factors."""
    s, eta, bigram, context = descent.steps, descent.learning_rate, basis.bigram, basis.context
    return [
        (descent.layers * comb(s, 3) * eta**3, bigram @ context @ context.T),
        (-comb(s, 2) * eta**2 / basis.vocabulary_size, more.current @ bigram),
    ]


def _value_terms(basis: Basis, more: NextOrder, descent: Descent, layer: int) -> list[tuple[float, Operator]]:
    """Return what is added to the value matrix of a layer, with factors."""
    s, eta, layers, size = descent.steps, descent.learning_rate, descent.layers, basis.vocabulary_size
    twice = sum(k * comb(k, 2) for k in range(s))
    squares = sum(k * k for k in range(s))
    bigram, context, two_hops = basis.bigram, basis.context, more.two_hop.T @ basis.bigram.T
    below, above = _between_layers(basis.value, two_hops)
    return [
        (layers * comb(s, 4) * eta**4, context.T @ context @ context.T @ bigram.T),
        ((layer - 1) * twice * eta**4, below),
        ((layers - layer) * twice * eta**4, above),
        (-squares * eta**3 / size, more.current_context.T @ bigram @ bigram.T),
        (-comb(s, 3) * eta**3 / size, context.T @ (more.current @ bigram).T),
    ]


def _between_layers(value: Operator, two_hops: Operator) -> tuple[Operator, Operator]:
    """Return V' Phi_2' B' and Phi_2' B' V': what a layer writes is what the next one reads, whatever its axis' name."""
    read = RelabelledOperator(value.T, (Axis.CONTEXT, Axis.CONTEXT))
    written = RelabelledOperator(value.T, (Axis.CURRENT, Axis.CURRENT))
    return read @ two_hops, two_hops @ written


def _sum(first: Operator, terms: list[tuple[float, Operator]]) -> Operator:
    """Add terms whose factor is not 0."""
    for factor, term in terms:
        if factor:
            first = first + factor * term
    return first
