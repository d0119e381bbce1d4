"""What the counting job does inside an executor before the shuffle: windows to sparse rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from leadterm.counting import TaskMemory, count_unit, reciprocal_weights
from leadterm.spark.dealing import read_units
from leadterm.spark.shuffle import Blocks


@dataclass(frozen=True)
class WindowsCounter:
    """Counts the windows of a task; travels to the executors.

    Attributes
    ----------
    folder
        URL of the ``windows`` product.
    vocabulary_size
        V.
    length, scale_bits
        T, and the fixed point of the weights.
    memory
        What may be held at once.
    blocks
        How rows are divided.
    """

    folder: str
    vocabulary_size: int
    length: int
    scale_bits: int
    memory: TaskMemory
    blocks: Blocks

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count the row groups named in the batches, as many at once as memory allows, into sparse rows."""
        weights = reciprocal_weights(self.length, self.scale_bits)
        for tokens, offsets in read_units(self.folder, batches, self.memory.unit_tokens):
            counted = count_unit(tokens, offsets, self.vocabulary_size, weights, self.memory.batch_entries)
            for statistic, rows in counted:
                if len(rows):
                    yield self.blocks.batch(statistic, rows)
