"""What the job does inside an executor before rows are merged."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.catalog.products import Statistic
from leadterm.counting import SparseRows
from leadterm.counting.two_hops import count_two_hops
from leadterm.pipeline.aggregation.units_counter import UnitsCounter


@dataclass(frozen=True, eq=False, kw_only=True)
class TwoHopsCounter(UnitsCounter):
    """Counts contexts of contexts, and contexts of current tokens.

    Attributes
    ----------
    vocabulary_size
        V.
    scale_bits
        The fixed point of the weights.
    """

    statistics = (Statistic.TWO_HOP, Statistic.CURRENT_CONTEXT)

    vocabulary_size: int
    scale_bits: int

    def count(self, tokens: NDArray[np.int32], offsets: NDArray[np.int64]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Count a unit's pairs over one hop and two."""
        capacity = self.memory.batch_entries
        return count_two_hops(tokens, offsets, self.vocabulary_size, self.length, self.scale_bits, capacity)
