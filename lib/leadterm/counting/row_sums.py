"""Sums the rows of matrices that were counted apart: a group of consecutive rows at a time, each in a scratch row.

Partial sums of a group are added one after the other, so that memory does not grow with their number.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.counting.accumulator import add, close_row, empty_scratches
from leadterm.counting.cooccurrence_kernels import OUTPUT
from leadterm.counting.sparse_rows import SparseRows
from leadterm.errors import CountOverflowError
from leadterm.jit import kernel

GROUP_ENTRIES = 2**20
"""Entries of the scratch rows of a group: 8 MB, which the last level of cache holds."""
FITS = -1
"""What the kernel returns if all sums fit int64."""


@dataclass(frozen=True)
class RowGroups:
    """How the rows of a matrix are divided: into files of consecutive rows, and these into groups summed together.

    Attributes
    ----------
    rows_per_file, rows_per_group
        Of all but the last of their kind.
    """

    rows_per_file: int
    rows_per_group: int

    @classmethod
    def divide(cls, rows_per_file: int, n_columns: int) -> "RowGroups":
        """Make groups as large as scratch rows of this many columns allow; at least one row."""
        return cls(rows_per_file, min(rows_per_file, max(1, GROUP_ENTRIES // n_columns)))

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Say in which group each row lies; groups are numbered through all files."""
        file, place = np.divmod(rows, self.rows_per_file)
        numbers: NDArray[np.int64] = file * self._groups_per_file + place // self.rows_per_group
        return numbers

    def rows_of(self, group: int) -> tuple[int, range]:
        """Say in which file a group lies, and which rows may be in it."""
        file, place = divmod(group, self._groups_per_file)
        first = file * self.rows_per_file + place * self.rows_per_group
        return file, range(first, min(first + self.rows_per_group, (file + 1) * self.rows_per_file))

    def of_file(self, file: int) -> Iterator[tuple[int, int]]:
        """Give the groups of a file, and the first row of each."""
        for group in range(self._groups_per_file):
            yield file * self._groups_per_file + group, file * self.rows_per_file + group * self.rows_per_group

    @property
    def _groups_per_file(self) -> int:
        return -(-self.rows_per_file // self.rows_per_group)


@kernel(
    "int64(Array(int64, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), "
    "Array(int32, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), int64, boolean, "
    "int64[:, ::1], uint64[:, ::1])"
)
def add_rows(keys, offsets, columns, values, first, signed, scratches, touched):  # type: ignore[no-untyped-def]
    """Add sparse rows, the first of which is ``first``, to the scratch rows of their group.

    Returns the row whose sum does not fit int64, or FITS. Two positive int64 wrap to a negative sum: that is how
    overflow shows, where no value is negative. ``signed`` values must be known to fit.
    """
    for record in range(keys.size):
        scratch, bits = scratches[keys[record] - first], touched[keys[record] - first]
        for k in range(offsets[record], offsets[record + 1]):
            add(scratch, bits, False, columns[k], values[k])
            if scratch[np.uint32(columns[k])] < 0 and not signed:
                return keys[record]
    return FITS


@kernel(f"int64(int64, int64[:, ::1], uint64[:, ::1], {OUTPUT})")
def drain_rows(first, scratches, touched, keys, offsets, columns, values):  # type: ignore[no-untyped-def]
    """Write the rows of a group out and empty them; returns the number of rows that have an entry."""
    n_rows, filled = 0, 0
    for row in range(len(scratches)):
        n_rows, filled = close_row(
            first + row, scratches[row], touched[row], False, keys, offsets, columns, values, n_rows, filled
        )
    return n_rows


class GroupSum:
    """Sums the rows of one group after the other.

    Parameters
    ----------
    n_rows, n_columns
        The largest group, and V: 21 bytes are held for each entry.
    signed
        Whether values may be negative. Then overflow does not show, and must be excluded beforehand.
    """

    def __init__(self, n_rows: int, n_columns: int, *, signed: bool = False) -> None:
        self._scratches, self._touched = empty_scratches(n_rows, n_columns)
        self._out = SparseRows.empty(n_rows, n_rows * n_columns)
        self._signed = signed

    def add(self, rows: SparseRows, first: int) -> None:
        """Add rows of the group that begins with row ``first``.

        Raises
        ------
        CountOverflowError
            If a sum does not fit int64.
        """
        row = add_rows(*rows.arrays, first, self._signed, self._scratches, self._touched)
        if row != FITS:
            raise CountOverflowError(
                f"a sum in row {row} does not fit 64 bits: lower counting.scale_bits in the config"
            )

    def drain(self, first: int) -> SparseRows:
        """Give the sums of the group that begins with row ``first``, without empty rows, and begin anew.

        They are to be used or copied before the next group is drained, which takes their place.
        """
        return self._out[: drain_rows(first, self._scratches, self._touched, *self._out.arrays)]
