"""What the attention job does inside an executor before the shuffle: windows and scores to sparse rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import SparkFiles

from leadterm.counting import Scores, TaskMemory, attention_unit
from leadterm.errors import RunError
from leadterm.spark.dealing import read_units
from leadterm.spark.shuffle import Blocks
from leadterm.store.composed import map_scores
from leadterm.store.location import Location


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
            return str(SparkFiles.get(self.place))
        location = Location.of(self.place)
        if not location.is_local:
            raise RunError(
                f"{self.place} cannot be mapped into memory from there. Set attention.distribution to spark."
            )
        return location.path


@dataclass(frozen=True, eq=False)
class AttentionCounter:
    """Counts the attention terms of the windows of a task; travels to the executors.

    Attributes
    ----------
    folder
        URL of the ``windows`` product.
    length
        T.
    scores
        Where the scores lie.
    kept, without_row, row_bits, position_bits
        As in :class:`leadterm.counting.Scores`.
    memory
        What may be held at once.
    blocks
        How rows are divided.
    """

    folder: str
    length: int
    scores: ScoresFile
    kept: NDArray[np.bool_]
    without_row: NDArray[np.float64]
    row_bits: NDArray[np.int32]
    position_bits: int
    memory: TaskMemory
    blocks: Blocks

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows, into sparse rows."""
        pieces = partial(map_scores, self.scores.path(), self.scores.sha256)
        scores = Scores(pieces, self.kept, self.without_row, self.row_bits, self.position_bits)
        for tokens, offsets in read_units(self.folder, batches, self.memory.unit_tokens):
            for statistic, rows in attention_unit(tokens, offsets, self.length, scores, self.memory):
                if len(rows):
                    yield self.blocks.batch(statistic, rows)
