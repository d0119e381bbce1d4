"""What the job does inside an executor before rows are merged: windows to partial sums."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from leadterm.catalog.products import Statistic
from leadterm.counting import SparseRows, TaskMemory
from leadterm.counting.two_hops import count_two_hops
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.row_groups import Unit, cover_of, fill_units, read_unit
from leadterm.storage.formats.windows_files import WindowsFiles


@dataclass(frozen=True)
class TwoHopsCounter:
    """Counts the windows of a task; travels to the executors.

    Attributes
    ----------
    windows
        The files of the ``windows`` product.
    vocabulary_size
        V.
    length, scale_bits
        T, and the fixed point of the weights.
    memory
        What may be held at once.
    partials
        Where what was counted goes.
    """

    statistics = (Statistic.TWO_HOP, Statistic.CURRENT_CONTEXT)

    windows: WindowsFiles
    vocabulary_size: int
    length: int
    scale_bits: int
    memory: TaskMemory
    partials: PartialsWriter

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows; say where the sums are."""
        for unit in fill_units(batches, self.memory.unit_tokens):
            yield self.partials.write(cover_of(unit), self._count(unit))

    def _count(self, unit: Unit) -> Iterator[tuple[Statistic, SparseRows]]:
        """Read and count a unit, once its sums are asked for."""
        tokens, offsets = read_unit(self.windows, unit)
        capacity = self.memory.batch_entries
        yield from count_two_hops(tokens, offsets, self.vocabulary_size, self.length, self.scale_bits, capacity)
