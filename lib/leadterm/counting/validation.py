"""What kernels ask of arrays that came from a file: they do not look, and would write to memory that is not theirs."""

import numpy as np
from numpy.typing import NDArray

from leadterm.errors import InputError


def check_windows(tokens: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary_size: int, length: int) -> None:
    """Refuse what cannot be windows: one pass over the ids, some 0.1 % of the time it takes to count them.

    Parameters
    ----------
    tokens
        int32 (tokens,): the windows end to end.
    offsets
        int64 (windows + 1,): where each begins and the last one ends.
    vocabulary_size
        V: ids are 0 to V - 1.
    length
        T: a window has at most T + 1 tokens.

    Raises
    ------
    InputError
        Says which ids, or which lengths, were found.

    Examples
    --------
    >>> check_windows(np.array([1, 0, 1], dtype=np.int32), np.array([0, 3]), 2, 2)
    """
    lengths = np.diff(offsets)
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(tokens) or (len(lengths) and lengths.min() < 0):
        raise InputError(f"Windows must lie end to end in their {len(tokens):,} tokens; found bounds that do not.")
    if len(lengths) and lengths.max() > length + 1:
        raise InputError(f"Windows must have at most {length + 1:,} tokens; found one of {lengths.max():,}.")
    if len(tokens) and (tokens.min() < 0 or tokens.max() >= vocabulary_size):
        raise InputError(
            f"Token ids of windows must be 0 to {vocabulary_size - 1}; found {tokens.min()} to {tokens.max()}."
        )


def check_rows(
    rows: NDArray[np.int32], offsets: NDArray[np.int64], columns: NDArray[np.int32], n_values: int, size: int
) -> None:
    """Refuse what cannot be rows of a sparse matrix (size, size): rows and columns ascending, none outside of it.

    Raises
    ------
    InputError
        Says what was found.
    """
    bounds = (len(offsets) == len(rows) + 1, len(columns) == n_values == (offsets[-1] if len(offsets) else 0))
    if not all(bounds) or offsets[0] != 0 or np.any(np.diff(offsets) < 0):
        raise InputError(f"Rows must lie end to end in their {len(columns):,} columns; found bounds that do not.")
    if len(rows) and (rows[0] < 0 or rows[-1] >= size or np.any(np.diff(rows) <= 0)):
        raise InputError(f"Rows must ascend from 0 to {size - 1}; found {rows.min()} to {rows.max()}, or in disorder.")
    if len(columns) and (columns.min() < 0 or columns.max() >= size):
        raise InputError(f"Columns must be 0 to {size - 1}; found {columns.min()} to {columns.max()}.")
    rises, starts = columns[1:] > columns[:-1], offsets[1:-1]
    rises[starts[(starts > 0) & (starts < len(columns))] - 1] = True
    if not rises.all():
        raise InputError("Columns must ascend within a row; found a row in which they do not.")
