"""What every job that counts windows does inside an executor before rows are merged: windows to partial sums."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.counting import SparseRows, Statistic, TaskMemory
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.row_groups import Unit, cover_of, fill_units, read_unit
from leadterm.storage.formats.windows_files import WindowsFiles


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitsCounter(ABC):
    """Counts the windows of a task; travels to the executors. A statistic says how it counts a unit.

    Attributes
    ----------
    windows
        The files of the ``windows`` product.
    length
        T.
    memory
        What may be held at once.
    partials
        Where what was counted goes.
    """

    windows: WindowsFiles
    length: int
    memory: TaskMemory
    partials: PartialsWriter

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows; say where the sums are."""
        for unit in fill_units(batches, self.memory.unit_tokens):
            yield self.partials.write(cover_of(unit), self._read_and_count(unit))

    def _read_and_count(self, unit: Unit) -> Iterator[tuple[Statistic, SparseRows]]:
        """Read and count a unit, once its sums are asked for."""
        yield from self.count(*read_unit(self.windows, unit))

    @abstractmethod
    def count(self, tokens: NDArray[np.int32], offsets: NDArray[np.int64]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Count windows: int32 tokens end to end, and int64 (windows + 1,) where each begins and the last ends."""
