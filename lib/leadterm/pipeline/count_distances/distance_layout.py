"""How the rows of several matrices, one for each distance, lie in the files of one product."""

from dataclasses import dataclass

from leadterm.counting import RowGroups
from leadterm.pipeline.aggregation.layout import Layout
from leadterm.storage.formats.matrix_files import rows_file


def folder_of(distance: int) -> str:
    """Name the folder of a distance as readers of partitioned tables know it.

    Examples
    --------
    >>> folder_of(4)
    'distance=4'
    """
    return f"distance={distance}"


@dataclass(frozen=True)
class DistanceLayout(Layout):
    """Rows are numbered from end to end, those of each distance from the beginning of a file on.

    Attributes
    ----------
    distances
        In the order of their rows.
    rows_per_file
        Of all but the last file of a distance.
    """

    distances: tuple[int, ...]
    rows_per_file: int

    @classmethod
    def of(cls, vocabulary_size: int, distances: tuple[int, ...], groups: RowGroups) -> "DistanceLayout":
        """Lay out matrices (V, V) whose rows are divided in this way."""
        return cls(vocabulary_size, distances, groups.rows_per_file)

    @property
    def _files(self) -> int:
        """How many files a distance may have."""
        return -(-self.vocabulary_size // self.rows_per_file)

    @property
    def n_rows(self) -> int:
        """How many rows are numbered."""
        return len(self.distances) * self._files * self.rows_per_file

    def first_row(self, number: int) -> int:
        """Give the number of row 0 of a distance, which is the ``number``-th."""
        return number * self._files * self.rows_per_file

    def file(self, block: int) -> tuple[str, int]:
        """Name the file of a block, and give the number of the row that is row 0 of its matrix."""
        number, place = divmod(block, self._files)
        return f"{folder_of(self.distances[number])}/{rows_file(place)}", self.first_row(number)
