"""How the rows that are counted lie in files: blocks of consecutive rows, a file for each."""

from dataclasses import dataclass

from leadterm.storage.formats.matrix_files import rows_file


@dataclass(frozen=True)
class Layout:
    """The rows of one matrix (V, V), in files of this many rows; travels to the executors.

    A product of several matrices numbers the rows of all of them from end to end, each matrix from the beginning of a
    file on, and says here which file a block of these rows is.
    """

    vocabulary_size: int

    @property
    def n_rows(self) -> int:
        """How many rows are numbered."""
        return self.vocabulary_size

    def file(self, block: int) -> tuple[str, int]:
        """Name the file of a block, and give the number of the row that is row 0 of its matrix."""
        return rows_file(block), 0
