"""What the counting job does inside an executor before rows are merged."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from leadterm.counting import SparseRows, Statistic, count_unit, reciprocal_weights
from leadterm.pipeline.aggregation.units_counter import UnitsCounter


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowsCounter(UnitsCounter):
    """Counts pairs of current and next tokens, and next tokens' contexts.

    Attributes
    ----------
    vocabulary_size
        V.
    scale_bits
        The fixed point of the weights.
    """

    statistics = (
        Statistic.BIGRAM, Statistic.CONTEXT, Statistic.CURRENT_FREQUENCY, Statistic.CONTEXT_FREQUENCY
    )  # fmt: skip

    vocabulary_size: int
    scale_bits: int

    @cached_property
    def _weights(self) -> NDArray[np.int64]:
        return reciprocal_weights(self.length, self.scale_bits)

    def count(self, tokens: NDArray[np.int32], offsets: NDArray[np.int64]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Count a unit's pairs."""
        return count_unit(tokens, offsets, self.vocabulary_size, self._weights, self.memory.batch_entries)
