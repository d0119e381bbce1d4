"""What a composition gives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

OnProgress = Callable[[int], None]
"""Told how many context tokens are done."""
OnBlock = Callable[[NDArray[np.float64]], object]
"""Told their mean scores: float64 (context tokens that are done,)."""


@dataclass(frozen=True, eq=False)
class Composed:
    """Scores of context tokens before next tokens, at the pairs that occur.

    Attributes
    ----------
    pairs : scipy.sparse.csr_array, (V, V), [NEXT, CONTEXT]
        The matrix whose pattern says which pairs occur; its values are those of the context map.
    scores : numpy.ndarray, float64 (pairs,)
        G - u of each pair, in the order of ``pairs``. May be a file that is mapped into memory.
    without_row : numpy.ndarray, float64 (V,)
        The score -u of a context token before a next token that is not kept.
    kept : numpy.ndarray, bool (V,)
        Which tokens are kept.
    """

    pairs: csr_array
    scores: NDArray[np.float64]
    without_row: NDArray[np.float64]
    kept: NDArray[np.bool_]
