"""Sparse rows in few bytes, on their way from the tasks that count to those that merge.

An entry is a byte that tells lengths, the column's distance from the one before, and the value. Of the first byte, bits
0 to 2 are the lowest of the distance less 1, bits 3 and 4 say whether the rest of it takes 0, 1, 2 or 4 bytes, bits 5
to 7 that the value takes 1 to 8, its sign as the lowest bit. A context weight takes 5 to 6 bytes in all, instead of 12.

There is no branch to mispredict on either way: eight bytes are written or read at once, and the next ones begin where
these should have ended.
"""

import numpy as np
from numpy.typing import NDArray

from leadterm.counting.sparse_rows import SparseRows
from leadterm.jit import inlined, kernel, leading_zeros, load_word, store_word

LARGEST_ENTRY = 13
"""Bytes."""
SLACK = 16
"""Bytes after the last entry, which may be read and written with it."""
WORD_BYTES = 8
ONE_BYTE, TWO_BYTES = np.uint64(0xFF), np.uint64(0xFFFF)
"""What fits."""
BROKEN = -1
"""What the kernel returns for bytes that are not this many entries."""


def pack(rows: SparseRows) -> NDArray[np.uint8]:
    """Pack the entries of rows, whose columns ascend: uint8 (bytes,).

    Examples
    --------
    >>> rows = SparseRows(np.array([5]), np.array([0, 3]), np.array([0, 1, 300], np.int32), np.array([1, -1, 2**40]))
    >>> packed = pack(rows)
    >>> len(packed) - SLACK
    12
    >>> unpack(packed, rows.keys, np.diff(rows.offsets)).values
    array([            1,            -1, 1099511627776])
    """
    packed = np.empty(rows.n_nonzeros * LARGEST_ENTRY + SLACK, dtype=np.uint8)
    n_bytes = pack_rows(rows.offsets, rows.columns, rows.values, packed)
    packed[n_bytes : n_bytes + SLACK] = 0  # For the same bytes every time.
    return packed[: n_bytes + SLACK]


def unpack(packed: NDArray[np.uint8], keys: NDArray[np.int64], lengths: NDArray[np.int64]) -> SparseRows:
    """Give rows back.

    Parameters
    ----------
    packed
        uint8 (bytes,): what :func:`pack` gave.
    keys, lengths
        int64 (rows,): which row each one is, and how many entries it has.

    Raises
    ------
    ValueError
        The bytes are not this many entries.
    """
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])
    columns, values = np.empty(offsets[-1], dtype=np.int32), np.empty(offsets[-1], dtype=np.int64)
    if unpack_rows(packed, offsets, columns, values) != len(packed) - SLACK:
        raise ValueError(f"{len(packed):,} bytes are not {offsets[-1]:,} packed entries of a matrix")
    return SparseRows(keys, offsets, columns, values)


@inlined
def rest_length(code):  # type: ignore[no-untyped-def]  # numba infers the types
    """Say how many bytes the rest of a distance takes: 0, 1, 2 or 4 for 0 to 3."""
    return np.int64(code) + np.int64(code == np.uint64(3))


@inlined
def low_bytes(word, number):  # type: ignore[no-untyped-def]  # numba infers the types
    """Keep this many bytes of a word, 0 to 8."""
    return word & ~(~np.uint64(0) << np.uint64(8 * number)) if number < WORD_BYTES else word


@kernel(
    "int64(Array(int64, 1, 'C', readonly=True), Array(int32, 1, 'C', readonly=True), "
    "Array(int64, 1, 'C', readonly=True), uint8[::1])"
)
def pack_rows(offsets, columns, values, packed):  # type: ignore[no-untyped-def]  # types stand in the signature
    """Pack the rows that lie at ``offsets`` into ``packed``, one after the other; returns the bytes that they take."""
    place = np.int64(0)
    for row in range(offsets.size - 1):
        before = np.int64(-1)
        for e in range(offsets[row], offsets[row + 1]):
            distance = np.uint64(columns[e] - before - 1)
            before = np.int64(columns[e])
            rest = distance >> np.uint64(3)
            code = np.uint64(rest > np.uint64(0)) + np.uint64(rest > ONE_BYTE) + np.uint64(rest > TWO_BYTES)
            value = np.uint64((values[e] << np.int64(1)) ^ (values[e] >> np.int64(63)))
            length = (np.uint64(63) - leading_zeros(value | np.uint64(1))) >> np.uint64(3)
            packed[place] = (distance & np.uint64(7)) | (code << np.uint64(3)) | (length << np.uint64(5))
            store_word(packed, place + 1, rest)
            place += 1 + rest_length(code)
            store_word(packed, place, value)
            place += np.int64(length) + 1
    return place


@kernel("int64(Array(uint8, 1, 'C', readonly=True), int64[::1], int32[::1], int64[::1])")
def unpack_rows(packed, offsets, columns, values):  # type: ignore[no-untyped-def]
    """Unpack rows that end at ``offsets``; returns the bytes that they took, or BROKEN where there are too few."""
    place, last = np.int64(0), packed.size - SLACK
    for row in range(offsets.size - 1):
        column = np.int64(-1)
        for e in range(offsets[row], offsets[row + 1]):
            if place >= last:
                return np.int64(BROKEN)
            first = np.uint64(packed[place])
            n_rest = rest_length((first >> np.uint64(3)) & np.uint64(3))
            rest = low_bytes(load_word(packed, place + 1), n_rest)
            column += np.int64((rest << np.uint64(3)) | (first & np.uint64(7))) + 1
            n_value = np.int64(first >> np.uint64(5)) + 1
            value = low_bytes(load_word(packed, place + 1 + n_rest), n_value)
            columns[e] = column
            values[e] = np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1))
            place += 1 + n_rest + n_value
    return place
