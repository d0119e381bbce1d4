"""What a counting task does with the rows it counted: it writes them to a file of its own, for the tasks that merge.

They do not go through Spark's shuffle: the JVM would copy each row again and again, and compress, sort and decompress
it, which took longer than the counting kernels. Files in the run's staging folder are written and read once, and are
still there when an executor is lost. Spark learns only where they lie.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from leadterm.counting import GroupSum, RowGroups, SparseRows, Statistic
from leadterm.store.location import Location
from leadterm.store.partials import Partials, partials_file, sum_block
from leadterm.store.products import PARTS

PLACE = "place string, bytes long"
"""What a counting task says: the URL of its file, and its length."""


@dataclass(frozen=True)
class PartialsWriter:
    """Writes the partial sums of a task; travels to the executors.

    Attributes
    ----------
    folder
        URL of the staging folder.
    groups
        How rows are divided.
    """

    folder: str
    groups: RowGroups

    def write(self, counted: Iterable[tuple[Statistic, SparseRows]]) -> pa.RecordBatch:
        """Write a file; give the row that says where it lies, and how long it is."""
        place = Location.of(self.folder) / PARTS / uuid.uuid4().hex
        with partials_file(place, self.groups) as file:
            for statistic, rows in counted:
                file.append(statistic, rows)
        n_bytes = place.filesystem.get_file_info(place.path).size
        return pa.RecordBatch.from_pydict({"place": [place.uri], "bytes": [n_bytes]})


@dataclass(frozen=True)
class PartialsMerger:
    """Adds the partial sums of the files that a task was dealt up into one file; travels to the executors.

    Attributes
    ----------
    partials
        Where the sums go.
    blocks
        All blocks of rows: statistic and number of each.
    width
        The entries of the longest row.
    signed
        Whether values may be negative.
    """

    partials: PartialsWriter
    blocks: tuple[tuple[int, int], ...]
    width: int
    signed: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Merge the files named in the batches; say where the sums are."""
        files = [Partials(Location.of(place)) for batch in batches for place in batch["place"].to_pylist()]
        total = GroupSum(self.partials.groups.rows_per_group, self.width, signed=self.signed)
        summed = (
            (Statistic(statistic), rows)
            for statistic, block in self.blocks
            for rows in sum_block(files, self.partials.groups, Statistic(statistic), block, total)
        )
        yield self.partials.write(summed)
