"""What a counting task does with the rows it counted: it writes them to files of its own, for the tasks that merge.

They do not go through Spark's shuffle: the JVM would copy each row again and again, and compress, sort and decompress
it, which took longer than the counting kernels. Files in the run's staging folder are written and read once, and are
still there when an executor, or the driver, is lost. Spark learns only where they lie.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from leadterm.counting import GroupSum, RowGroups, SparseRows, Statistic
from leadterm.pipeline.aggregation.coverage import Cover
from leadterm.pipeline.aggregation.partial_sums_file import Partials, Sums, partials_file, sum_block
from leadterm.storage.location import Location
from leadterm.storage.read_products import PARTS

SUMS = pa.schema([("place", pa.string()), ("bytes", pa.int64()), ("cover", pa.string())])
"""What a counting task says of each file: its URL, its length, and which row groups it sums."""


@dataclass(frozen=True)
class PartialsWriter:
    """Writes partial sums; travels to the executors.

    Attributes
    ----------
    folder
        URL of the staging folder.
    groups
        How rows are divided.
    """

    folder: str
    groups: RowGroups

    def write(self, cover: Cover, counted: Iterable[tuple[Statistic, SparseRows]]) -> pa.RecordBatch:
        """Write a file; give the row that says where it lies.

        If an attempt before this one wrote the file, or another one at the same time, nothing is counted.
        """
        place = Location.of(self.folder) / PARTS / cover.name
        found = Sums.at(place)
        if found is None:
            with partials_file(place, self.groups, cover) as file:
                for statistic, rows in counted:
                    file.append(statistic, rows)
            found = Sums(place.uri, int(place.filesystem.get_file_info(place.path).size), cover)
        return pa.RecordBatch.from_pydict({"place": [found.place], "bytes": [found.bytes], "cover": [found.cover.text]})


def reported_sums(reports: pa.Table) -> list[Sums]:
    """Take the files that tasks said they wrote."""
    return [Sums(row["place"], row["bytes"], Cover.from_text(row["cover"])) for row in reports.to_pylist()]


@dataclass(frozen=True)
class PartialsMerger:
    """Adds the partial sums of the files that a task was assigned up into one file; travels to the executors.

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
        yield self.partials.write(Cover.union(file.cover for file in files), self._summed(files))

    def _summed(self, files: list[Partials]) -> Iterator[tuple[Statistic, SparseRows]]:
        """Add up the rows of all blocks."""
        total = GroupSum(self.partials.groups.rows_per_group, self.width, signed=self.signed)
        for statistic, block in self.blocks:
            for rows in sum_block(files, self.partials.groups, Statistic(statistic), block, total):
                yield Statistic(statistic), rows
