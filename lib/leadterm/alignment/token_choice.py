"""Which tokens are compared, and the predictors over them.

Where some tokens are chosen, theory and checkpoint are restricted alike, rows *and* columns: a checkpoint's A = E M E'
has only the chosen tokens for its columns, so the predictors have them too. Products (value, interchange) are those of
the restricted basis functions, so that their inner tokens are chosen ones; what was subtracted stays 1/V of the whole
vocabulary. That is what the authors' scripts do, and what ``attention.top_tokens`` means for the query-key matrix: for
the top k, count attention with ``top_tokens: k`` first, because scores of tokens left out enter its means as zeros.

Of a query-key matrix over all tokens, the rows and columns of tokens that do not occur are zero. The basis functions'
are not: without their 1/V, the choice of ``occurring`` tokens is not that of ``all`` with zeros left out.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leadterm.errors import InputError
from leadterm.frequent_tokens import top_tokens
from leadterm.operators import Operator
from leadterm.theory import Basis

Choice = Literal["all", "occurring"] | int
"""All tokens of the vocabulary (the paper), those that occur in the corpus, or the k most frequent."""

Orientation = Literal["paper", "authors"]


def chosen_tokens(counts: NDArray[np.int64], choice: Choice) -> NDArray[np.int64]:
    """Return the ids of the tokens that are compared, ascending.

    Parameters
    ----------
    counts : numpy.ndarray, shape (V,), int64
        How often each token occurs.
    choice : {"all", "occurring"} or int
        Which; of equally frequent ones those with smaller ids.

    Raises
    ------
    InputError
        If the choice is something else, or a number that is not positive.

    Examples
    --------
    >>> chosen_tokens(np.array([3, 0, 5, 3]), "occurring"), chosen_tokens(np.array([3, 0, 5, 3]), 2)
    (array([0, 2, 3]), array([0, 2]))
    """
    if choice == "all":
        return np.arange(len(counts))
    if choice == "occurring":
        return np.flatnonzero(counts)
    if isinstance(choice, str) or choice < 1:
        raise InputError(f"tokens must be 'all', 'occurring' or the number of most frequent tokens, not {choice!r}.")
    return np.flatnonzero(top_tokens(counts, choice))


def predictor_operators(
    basis: Basis, query_key: Operator | None = None, orientation: Orientation = "paper"
) -> dict[str, Operator]:
    """Name the matrices that a checkpoint is compared with; each is prepared by ``prepare(name, operator)``.

    Parameters
    ----------
    basis : Basis
        Of the tokens that are compared.
    query_key : Operator, optional, [CURRENT x CONTEXT]
        Q, of the same tokens.
    orientation : {"paper", "authors"}
        ``paper``: the rows of Q are queries. ``authors``: they are keys, as in the authors' script for language models,
        which transposes Q; so the covariance compares keys.

    Returns
    -------
    dict of str to Operator
        ``query_key`` (if given), ``value``, ``bigram``, ``bigram.T``, ``context``, ``context.T``, ``interchange``.

    Raises
    ------
    InputError
        If the orientation is neither.
    """
    if orientation not in ("paper", "authors"):
        raise InputError(f"orientation must be 'paper' or 'authors', not {orientation!r}.")
    found = {} if query_key is None else {"query_key": query_key if orientation == "paper" else query_key.T}
    return found | {
        "value": basis.value,
        "bigram": basis.bigram,
        "bigram.T": basis.bigram.T,
        "context": basis.context,
        "context.T": basis.context.T,
        "interchange": basis.interchange,
    }
