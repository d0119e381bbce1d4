"""What the attention job does inside an executor before rows are merged: windows and scores to partial sums."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.counting import Scores, SparseRows, Statistic, TaskMemory, attention_unit
from leadterm.errors import RunError
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.row_groups import Unit, cover_of, fill_units, read_unit
from leadterm.storage.formats.score_file import map_scores
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.location import Location

COUNTED = (Statistic.QUERY_KEY, Statistic.POSITION)
"""As the kernel calls its sums."""


@dataclass(frozen=True)
class ScoresFile:
    """Where an executor finds the scores.

    Attributes
    ----------
    place
        A path that all machines see; or, where Spark handed the file out, its name.
    sha256
        Of its bytes.
    handed_out
        Whether Spark handed the file out.
    """

    place: str
    sha256: str
    handed_out: bool

    def path(self) -> str:
        """Find the file on this machine."""
        if self.handed_out:
            from pyspark import SparkFiles  # noqa: PLC0415  # where Spark is, and nowhere else

            return str(SparkFiles.get(self.place))
        location = Location.of(self.place)
        if not location.is_local:
            raise RunError(f"{self.place} cannot be memory-mapped from there. Set attention.distribution to spark.")
        return location.path


@dataclass(frozen=True, eq=False)
class AttentionCounter:
    """Counts the attention terms of the windows of a task; travels to the executors.

    Attributes
    ----------
    windows
        The files of the ``windows`` product.
    length
        T.
    scores
        Where the scores lie.
    kept, without_row, row_bits, position_bits
        As in :class:`leadterm.counting.Scores`.
    memory
        What may be held at once.
    partials
        Where what was counted goes.
    statistics
        What the query-key matrix and the position bias are called.
    """

    windows: WindowsFiles
    length: int
    scores: ScoresFile
    kept: NDArray[np.bool_]
    without_row: NDArray[np.float64]
    row_bits: NDArray[np.int32]
    position_bits: int
    memory: TaskMemory
    partials: PartialsWriter
    statistics: tuple[Statistic, ...] = COUNTED

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows; say where the sums are."""
        matrix = map_scores(self.scores.path(), self.scores.sha256, len(self.kept))
        scores = Scores(matrix, self.kept, self.without_row, self.row_bits, self.position_bits)
        for unit in fill_units(batches, self.memory.unit_tokens):
            yield self.partials.write(cover_of(unit), self._count(unit, scores))

    def _count(self, unit: Unit, scores: Scores) -> Iterator[tuple[Statistic, SparseRows]]:
        """Read and count a unit, once its sums are asked for."""
        tokens, offsets = read_unit(self.windows, unit)
        names = dict(zip(COUNTED, self.statistics, strict=True))
        for statistic, rows in attention_unit(tokens, offsets, self.length, scores, self.memory):
            yield names[statistic], rows
