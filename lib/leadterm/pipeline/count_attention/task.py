"""What the attention job does inside an executor before rows are merged."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from leadterm.counting import Scores, SparseRows, Statistic, attention_unit
from leadterm.errors import RunError
from leadterm.pipeline.aggregation.units_counter import UnitsCounter
from leadterm.storage.formats.score_file import map_scores
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


@dataclass(frozen=True, eq=False, kw_only=True)
class AttentionCounter(UnitsCounter):
    """Counts attention terms.

    Attributes
    ----------
    scores
        Where the scores lie.
    kept, without_row, row_bits, position_bits
        As in :class:`leadterm.counting.Scores`.
    statistics
        What the query-key matrix and the position bias are called.
    """

    scores: ScoresFile
    kept: NDArray[np.bool_]
    without_row: NDArray[np.float64]
    row_bits: NDArray[np.int32]
    position_bits: int
    statistics: tuple[Statistic, ...] = COUNTED

    @cached_property
    def _scores(self) -> Scores:
        """The scores, mapped into the memory of this machine."""
        matrix = map_scores(self.scores.path(), self.scores.sha256, len(self.kept))
        return Scores(matrix, self.kept, self.without_row, self.row_bits, self.position_bits)

    def count(self, tokens: NDArray[np.int32], offsets: NDArray[np.int64]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Count a unit's attention terms."""
        names = dict(zip(COUNTED, self.statistics, strict=True))
        for statistic, rows in attention_unit(tokens, offsets, self.length, self._scores, self.memory):
            yield names[statistic], rows
