"""What the counting job does inside an executor before rows are merged: windows to partial sums."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.counting import SparseRows, Statistic, TaskMemory, count_unit, reciprocal_weights
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.row_groups import Unit, cover_of, fill_units, read_unit
from leadterm.storage.formats.windows_files import WindowsFiles


@dataclass(frozen=True)
class WindowsCounter:
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

    statistics = (
        Statistic.BIGRAM, Statistic.CONTEXT, Statistic.CURRENT_FREQUENCY, Statistic.CONTEXT_FREQUENCY
    )  # fmt: skip

    windows: WindowsFiles
    vocabulary_size: int
    length: int
    scale_bits: int
    memory: TaskMemory
    partials: PartialsWriter

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows; say where the sums are."""
        weights = reciprocal_weights(self.length, self.scale_bits)
        for unit in fill_units(batches, self.memory.unit_tokens):
            yield self.partials.write(cover_of(unit), self._count(unit, weights))

    def _count(self, unit: Unit, weights: NDArray[np.int64]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Read and count a unit, once its sums are asked for."""
        tokens, offsets = read_unit(self.windows, unit)
        yield from count_unit(tokens, offsets, self.vocabulary_size, weights, self.memory.batch_entries)
