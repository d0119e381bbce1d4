"""The 1/t weights as integers, so that their sums are exact, associative and the same on every machine."""

import numpy as np
from numpy.typing import NDArray

from leadterm.errors import CountOverflowError

INT64_MAX = 2**63 - 1


def reciprocal_weights(length: int, scale_bits: int) -> NDArray[np.int64]:
    """Round 2^scale_bits / t to the nearest integer for t = 1 ... length.

    Parameters
    ----------
    length
        T, the largest number of positions in a window.
    scale_bits
        The fixed point: one unit of weight is 2^scale_bits.

    Returns
    -------
    int64 (T,)
        Entry t - 1 holds the weight of a context token at position t. Its relative error is at most
        t / 2^(scale_bits + 1), so a sum of such weights is within T / 2^(scale_bits + 1) of the rational value.

    Examples
    --------
    >>> reciprocal_weights(3, 8).tolist()
    [256, 128, 85]
    """
    positions = np.arange(1, length + 1, dtype=np.int64)
    return (np.int64(2**scale_bits) + positions // 2) // positions


def check_no_overflow(largest_count: int, length: int, scale_bits: int) -> None:
    """Refuse, before any counting, a corpus whose context weights might not fit int64.

    A token that occurs n times adds at most n (1 + 1/2 + ... + 1/T) units to its context frequency, and no
    entry of the context map is larger than its column's sum.

    Parameters
    ----------
    largest_count
        How often the most frequent token occurs in the windows, shared tokens counted twice.
    length
        T, the largest number of positions in a window.
    scale_bits
        The fixed point of the weights.

    Raises
    ------
    CountOverflowError
        With the largest ``scale_bits`` that is safe.
    """
    heaviest = int(reciprocal_weights(length, scale_bits).sum())
    if largest_count * heaviest <= INT64_MAX:
        return
    safe = scale_bits
    while safe > 0 and largest_count * int(reciprocal_weights(length, safe).sum()) > INT64_MAX:
        safe -= 1
    raise CountOverflowError(
        f"the most frequent token occurs {largest_count:,} times: with counting.scale_bits = {scale_bits} and windows "
        f"of {length} positions its context weights might not fit 64 bits. Set counting.scale_bits to {safe} or less "
        f"(a relative precision of {length / 2 ** (safe + 1):.1e})."
    )
