"""What a circuit is compared with: the joint table of a corpus over the tokens that are compared."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from leadterm.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Counterpart:
    """A joint table J of n x n tokens, its margins, and lift K = J/(r c) - 1.

    Attributes
    ----------
    name
        ``bigram`` [CURRENT x NEXT], ``context.T`` and ``composed.T`` [CONTEXT x NEXT], ``query_key``
        [CURRENT x CONTEXT].
    joint
        csr_array (n, n), not necessarily summing to 1; of ``query_key`` with negative entries too.
    row_weight, column_weight
        (n,): r and c, which sum to 1 each: margins of J, or, where J has none (``query_key``), frequencies.
    multiply
        Of a table that is a product and is not stored (``composed.T``): gives J X for X (n, d). ``joint`` is then
        empty, and there are no rows or pairs to be read of it.
    """

    name: str
    joint: sparse.csr_array
    row_weight: Array
    column_weight: Array
    multiply: Callable[[Array], Array] | None = None

    @classmethod
    def of_counts(cls, name: str, counts: sparse.csr_array) -> "Counterpart":
        """Make one of counts, or of weights, of which none is negative.

        Raises
        ------
        InputError
            If there are none.
        """
        total = float(counts.sum())
        if not total > 0:
            raise InputError(f"the tokens that are compared never occur together in {name}. Compare more tokens.")
        joint = sparse.csr_array((counts.data / total, counts.indices, counts.indptr), shape=counts.shape)
        return cls(name, joint, np.asarray(joint.sum(axis=1)), np.asarray(joint.sum(axis=0)))

    @property
    def n_tokens(self) -> int:
        """N."""
        return len(self.row_weight)

    def applied(self, right: Array) -> Array:
        """Return J X for X (n, d), which is (J - r c') X where c'X = 0; (n, d)."""
        found: Array = self.joint @ right if self.multiply is None else self.multiply(right)
        return found

    def permuted(self, right: Array, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Array:
        """Return diag(r) P K Q' diag(c) X, where the tokens of the lift K changed places and the weights stay.

        Parameters
        ----------
        right
            (n, d), with c'X = 0, so that the -1 of the lift has no effect.
        rows, columns
            int64 (n,): which row, and which column, of K stands at each place.

        Returns
        -------
        (n, d)
        """
        scattered = np.zeros_like(right)
        scattered[columns] = self.column_weight[:, None] * right
        lifted = self._per_row[:, None] * self.applied(self._per_column[:, None] * scattered)
        found: Array = self.row_weight[:, None] * lifted[rows]
        return found

    @cached_property
    def _per_row(self) -> Array:
        return _inverse(self.row_weight)

    @cached_property
    def _per_column(self) -> Array:
        return _inverse(self.column_weight)


def _inverse(weight: Array) -> Array:
    """Divide 1 by weights; a token that does not occur has no lift."""
    return np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
