"""Sums equal rows of a stream of sparse rows that is sorted by key: the step after the shuffle."""

from collections.abc import Iterator

from leadterm.compiling import kernel
from leadterm.counting.accumulator import add, close_row, empty_scratch, last_row
from leadterm.counting.kernels import OUTPUT
from leadterm.counting.rows import SparseRows
from leadterm.errors import CountOverflowError

NO_ROW = -1
"""The key while no row is being summed; real keys are not negative."""
OVERFLOW = -1
"""What the kernel returns for a sum that does not fit int64."""


@kernel(
    "Tuple((int64, int64, int64))(Array(int64, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), "
    "Array(int32, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), int64, int64, int64, "
    f"boolean, int64[::1], uint8[::1], {OUTPUT})"
)
def merge_rows(  # type: ignore[no-untyped-def]  # types stand in the signature
    in_keys, in_offsets, in_columns, in_values, record, key, n_columns, signed,
    scratch, touched, keys, offsets, columns, values,
):  # fmt: skip
    """Sum records from ``record`` on into the open row ``key``, writing each row out when the next begins.

    Returns the record to go on with, the row then open and the number of rows written. Stops early where the output
    has no room for a full row. Two positive int64 wrap to a negative sum: that is how overflow shows, where no value is
    negative. ``signed`` values must be known to fit.
    """
    n_rows, filled = 0, 0
    while record < in_keys.size:
        if in_keys[record] != key:
            if key != NO_ROW:
                n_rows, filled = close_row(key, scratch, touched, keys, offsets, columns, values, n_rows, filled)
            key = NO_ROW
            if filled + n_columns > columns.size:
                return record, key, n_rows
            key = in_keys[record]
        for k in range(in_offsets[record], in_offsets[record + 1]):
            add(scratch, touched, in_columns[k], in_values[k])
            if scratch[in_columns[k]] < 0 and not signed:
                return OVERFLOW, key, n_rows
        record += 1
    return record, key, n_rows


class RowMerger:
    """Sums the rows of equal key in a sorted stream, with memory for one output batch and one dense row.

    Parameters
    ----------
    n_columns
        V, the width of every row.
    capacity
        Entries of an output batch; at least ``n_columns``.
    signed
        Whether values may be negative. Then overflow does not show, and must be excluded beforehand.
    """

    def __init__(self, n_columns: int, capacity: int, *, signed: bool = False) -> None:
        self._n_columns, self._signed = n_columns, signed
        self._capacity = max(capacity, n_columns)
        self._scratch, self._touched = empty_scratch(n_columns)
        self._key = NO_ROW

    def add(self, rows: SparseRows) -> Iterator[SparseRows]:
        """Take the next rows of the stream; give those that are complete, in key order.

        Raises
        ------
        CountOverflowError
            If a sum does not fit int64.
        """
        record = 0
        while record < len(rows):
            out = SparseRows.empty(len(rows) - record + 1, self._capacity)
            record, self._key, n_rows = merge_rows(
                rows.keys, rows.offsets, rows.columns, rows.values, record, self._key, self._n_columns,
                self._signed, self._scratch, self._touched, *out.arrays,
            )  # fmt: skip
            if record == OVERFLOW:
                raise CountOverflowError(
                    f"a sum in row {self._key % 2**32} does not fit 64 bits: lower counting.scale_bits in the config"
                )
            if n_rows:
                yield out[:n_rows]

    def finish(self) -> Iterator[SparseRows]:
        """Give the row that is still open when the stream ends, if there is one."""
        if self._key != NO_ROW:
            yield last_row(self._key, self._scratch, self._touched)
            self._key = NO_ROW
