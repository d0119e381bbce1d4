"""A run of sparse rows laid end to end: what kernels emit and what travels between executors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SparseRows:
    """Rows of one or more sparse int64 matrices, as three flat arrays and their bounds.

    Attributes
    ----------
    keys
        int64 (rows,): which row each one is; ascending where a producer says so.
    offsets
        int64 (rows + 1,): row i holds the entries ``offsets[i]:offsets[i + 1]``.
    columns
        int32 (nonzeros,): ascending within a row, each column once.
    values
        int64 (nonzeros,): not 0; negative only in matrices of signed terms.
    """

    keys: NDArray[np.int64]
    offsets: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.int64]

    @classmethod
    def empty(cls, n_rows: int, capacity: int) -> "SparseRows":
        """Make room for ``n_rows`` rows of ``capacity`` entries in all, for a kernel to fill."""
        return cls(
            np.empty(n_rows, dtype=np.int64),
            np.zeros(n_rows + 1, dtype=np.int64),
            np.empty(capacity, dtype=np.int32),
            np.empty(capacity, dtype=np.int64),
        )

    @property
    def arrays(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Keys, offsets, columns and values, in the order that kernels take them."""
        return self.keys, self.offsets, self.columns, self.values

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.keys)

    @property
    def n_nonzeros(self) -> int:
        """Count the entries of all rows."""
        return int(self.offsets[-1] - self.offsets[0])

    def __getitem__(self, rows: slice) -> "SparseRows":
        """Take consecutive rows, without a copy."""
        start, stop, _ = rows.indices(len(self))
        first, last = self.offsets[start], self.offsets[max(start, stop)]
        return SparseRows(
            self.keys[start:stop],
            self.offsets[start : max(start, stop) + 1] - first,
            self.columns[first:last],
            self.values[first:last],
        )

    def copy(self) -> "SparseRows":
        """Copy all arrays, where the memory they lie in will be used again."""
        return SparseRows(self.keys.copy(), self.offsets.copy(), self.columns.copy(), self.values.copy())

    def total(self) -> int:
        """Add all values up, exactly, also where the sum would not fit int64."""
        high, low = self.values >> 32, self.values & 0xFFFFFFFF
        return (int(high.sum()) << 32) + int(low.sum())
