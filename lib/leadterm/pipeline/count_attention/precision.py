"""The fixed point of attention terms: as fine as can be, and never so fine that a sum overflows."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.counting import TERM_BITS

SUM_BITS = 61
"""No sum exceeds 2^61 in absolute value, so that neither it nor its rounding errors wrap."""


@dataclass(frozen=True, eq=False)
class TermUnits:
    """In what fixed point the attention terms are summed.

    Attributes
    ----------
    row_bits
        int32 (V,): row a of the query-key matrix in units of 2^-row_bits[a].
    position_bits
        The position bias in units of 2^-position_bits.
    """

    row_bits: NDArray[np.int32]
    position_bits: int

    @classmethod
    def from_counts(cls, bigram: csr_array, spread: NDArray[np.float64]) -> "TermUnits":
        """Take the finest units in which no term is too large for the kernel to round, and no sum can overflow.

        An entry q_j = (s_j - mean) / t of a position with next token c is no more than spread[c] / t, and a token
        stands at most t times in the context. So no sum of row a exceeds the sum of count[a, c] spread[c] over c.

        Parameters
        ----------
        bigram
            csr_array (V, V), [CURRENT, NEXT]: the counts.
        spread
            float64 (V,): the largest less the smallest score before each next token.
        """
        sums = np.asarray(bigram @ spread, dtype=np.float64)
        terms = csr_array((spread[bigram.indices], bigram.indices, bigram.indptr), bigram.shape).max(axis=1).toarray()
        row_bits = np.minimum(_bits(sums, SUM_BITS), _bits(np.ravel(terms), TERM_BITS))
        position_bits = min(_bits(sums.sum(), SUM_BITS), _bits(terms.max(), TERM_BITS))
        return cls(row_bits.astype(np.int32), int(position_bits))

    @property
    def digest(self) -> str:
        """A hash of all units: terms that were summed in others are not added to these."""
        return hashlib.sha256(self.row_bits.tobytes() + str(self.position_bits).encode()).hexdigest()


def _bits(largest: NDArray[np.float64] | np.float64, limit: int) -> NDArray[np.int64]:
    """Find the binary digits after the point that keep what is largest below 2^limit; 0 where there is nothing."""
    _, exponents = np.frexp(largest)
    return np.where(largest > 0, limit - exponents.astype(np.int64), 0)
