"""What the job does inside an executor before rows are merged: windows to partial sums of pairs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from leadterm.catalog.products import Statistic
from leadterm.counting import SparseRows, TaskMemory
from leadterm.counting.distance_pairs import count_distances
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.row_groups import Unit, cover_of, fill_units, read_unit
from leadterm.pipeline.count_distances.distance_layout import DistanceLayout
from leadterm.storage.formats.windows_files import WindowsFiles


@dataclass(frozen=True)
class PairsCounter:
    """Counts the windows of a task; travels to the executors.

    Attributes
    ----------
    windows
        The files of the ``windows`` product.
    length
        T.
    layout
        Which distances are counted, and how their rows are numbered.
    memory
        What may be held at once.
    partials
        Where what was counted goes.
    """

    statistics = (Statistic.DISTANCES,)

    windows: WindowsFiles
    length: int
    layout: DistanceLayout
    memory: TaskMemory
    partials: PartialsWriter

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows; say where the sums are."""
        for unit in fill_units(batches, self.memory.unit_tokens):
            yield self.partials.write(cover_of(unit), self._count(unit))

    def _count(self, unit: Unit) -> Iterator[tuple[Statistic, SparseRows]]:
        """Read and count a unit, once its sums are asked for."""
        tokens, offsets = read_unit(self.windows, unit)
        size, distances = self.layout.vocabulary_size, self.layout.distances
        for number, rows in count_distances(tokens, offsets, size, distances, self.length, self.memory.batch_entries):
            yield Statistic.DISTANCES, replace(rows, keys=rows.keys + self.layout.first_row(number))
