"""What the job does inside an executor before rows are merged."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leadterm.catalog.products import Statistic
from leadterm.counting import SparseRows
from leadterm.counting.distance_pairs import count_distances
from leadterm.pipeline.aggregation.units_counter import UnitsCounter
from leadterm.pipeline.count_distances.distance_layout import DistanceLayout


@dataclass(frozen=True, eq=False, kw_only=True)
class PairsCounter(UnitsCounter):
    """Counts pairs at exact distances.

    Attributes
    ----------
    layout
        Which distances are counted, and how their rows are numbered.
    """

    statistics = (Statistic.DISTANCES,)

    layout: DistanceLayout

    def count(self, tokens: NDArray[np.int32], offsets: NDArray[np.int64]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Count a unit's pairs at each distance."""
        size, distances = self.layout.vocabulary_size, self.layout.distances
        for number, rows in count_distances(tokens, offsets, size, distances, self.length, self.memory.batch_entries):
            yield Statistic.DISTANCES, replace(rows, keys=rows.keys + self.layout.first_row(number))
