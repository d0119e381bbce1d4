"""Memory for the arrays of one strip after the other."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE = 64
"""Bytes of a cache line: a vector that lies across two of them is read twice."""
MOST_ARRAYS = 6


class Room:
    """Memory that arrays are taken from, each at the beginning of a cache line.

    Parameters
    ----------
    n_bytes
        Which all arrays take together. It becomes memory of the process where it is written to.
    """

    def __init__(self, n_bytes: int) -> None:
        self._bytes, self._end = np.empty(n_bytes + MOST_ARRAYS * LINE, dtype=np.uint8), 0

    def clear(self) -> None:
        """Take all memory back."""
        self._end = -self._bytes.ctypes.data % LINE

    def take(self, dtype: type[np.generic], *shape: int) -> NDArray[Any]:
        """Give an array that is not filled."""
        n_bytes = prod(shape) * np.dtype(dtype).itemsize
        found = self._bytes[self._end :][:n_bytes].view(dtype).reshape(shape)
        self._end += -(-n_bytes // LINE) * LINE
        return found
