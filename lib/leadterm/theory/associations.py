"""The strongest associations of one token."""

from __future__ import annotations

import numpy as np
import torch

from leadterm.axes import Axis
from leadterm.errors import AxisError, InputError
from leadterm.operators import Operator


def strongest(operator: Operator, index: int, k: int, axis: Axis | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the k largest entries of a token's row, or of its column.

    Parameters
    ----------
    operator : Operator, shape (m, n)
        For example ``basis.context``.
    index : int
        The token's number along `axis`.
    k : int
        How many to return; all of them if the operator has fewer.
    axis : Axis, optional
        The role in which the token is taken. Default: the operator's rows. If rows and columns have the same
        meaning, the row is taken.

    Returns
    -------
    indices : numpy.ndarray, shape (k,), int64
        Token numbers along the other axis, strongest first; equal scores are ordered by number.
    scores : numpy.ndarray, shape (k,)
        Their entries, in the operator's dtype.

    Raises
    ------
    AxisError
        If the operator has no such axis.
    InputError
        If `index` is out of range or `k` is not positive.

    Examples
    --------
    >>> from leadterm.operators import RankOneOperator
    >>> context = RankOneOperator(np.array([1.0, 2.0]), np.array([1.0, 3.0, 3.0]), (Axis.NEXT, Axis.CONTEXT))
    >>> strongest(context, 1, 2)
    (array([1, 2]), array([6., 6.]))
    >>> strongest(context, 0, 1, Axis.CONTEXT)
    (array([1]), array([2.]))
    """
    if k < 1:
        raise InputError(f"k is {k}: it must be at least 1.")
    row, column = operator.axes
    if axis not in (None, row, column):
        raise AxisError(f"{operator!r} has no axis {axis}: choose {row} (a row) or {column} (a column).")
    entries = operator.rows([index])[0] if axis in (None, row) else operator.columns([index])[:, 0]
    scores, indices = torch.sort(entries, descending=True, stable=True)
    return indices[:k].cpu().numpy(), scores[:k].cpu().numpy()
