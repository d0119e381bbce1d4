"""A random order of many numbers, any part of which is computed on its own: integers alone, the same everywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from leadterm.errors import InputError
from leadterm.jit import inlined, kernel

ROUNDS = 8
"""Of the network. With four, tokens that stand √n places apart are alike too often (up to 24 standard deviations at
n = 3 million); with six, no test told it from a random permutation."""
LARGEST = 2**62
"""Each half of a number must fit 32 bits with room for a sum of two."""
GOLDEN = 0x9E3779B97F4A7C15
"""Steps of SplitMix64 (Steele, Lea, Flood 2014): 2^64 divided by the golden ratio."""
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
"""Multipliers of its mixing function, Stafford's thirteenth."""
BITS_27, BITS_30, BITS_31, BITS_32 = (np.uint64(bits) for bits in (27, 30, 31, 32))


@inlined
def mixed(word):  # type: ignore[no-untyped-def]  # numba infers the types
    """Mix a uint64: each bit of it changes each bit of the result half of the times."""
    word = (word ^ (word >> BITS_30)) * FIRST
    word = (word ^ (word >> BITS_27)) * SECOND
    return word ^ (word >> BITS_31)


@inlined
def moved(value, size, word):  # type: ignore[no-untyped-def]  # numba infers the types
    """Move a value below ``size`` around the circle, by what the word's upper 32 bits say."""
    value += ((mixed(word) >> BITS_32) * size) >> BITS_32
    return value - size if value >= size else value


@kernel("void(uint64, uint64, uint64, uint64[::1], int64[::1])")
def permute(first, n, width, keys, ranks):  # type: ignore[no-untyped-def]
    """Fill ``ranks`` with the images of ``first``, ``first + 1``, …, by a Feistel network over height x width numbers.

    What the network leads outside of 0 … n-1 is sent through it again, until it is inside (cycle walking).
    """
    height = (n - np.uint64(1)) // width + np.uint64(1)
    for i in range(ranks.size):
        number = first + np.uint64(i)
        while True:
            upper, lower = number // width, number % width
            for k in range(0, keys.size, 2):
                upper = moved(upper, height, keys[k] + lower)
                lower = moved(lower, width, keys[k + 1] + upper)
            number = upper * width + lower
            if number < n:
                break
        ranks[i] = number


@dataclass(frozen=True)
class Permutation:
    """A keyed pseudo-random permutation of 0 … n-1, any part of which is computed on its own.

    A generalised Feistel network (Black and Rogaway 2002) of eight rounds over the least rectangle with n numbers or
    more, by integers alone: the same on every machine.

    Parameters
    ----------
    n
        How many numbers, 1 to 2^62.
    seed
        Which permutation, 0 to 2^64 - 1.

    Raises
    ------
    InputError
        n or the seed is out of its range.

    Examples
    --------
    >>> Permutation(10, seed=1).apply(0, 10).tolist()
    [0, 6, 2, 5, 1, 8, 4, 7, 3, 9]
    >>> Permutation(10, seed=1).apply(4, 6).tolist()
    [1, 8]
    """

    n: int
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.n <= LARGEST:
            raise InputError(
                f"A permutation is of 1 to 2^62 numbers; found {self.n}. Shuffle a corpus that has tokens."
            )
        if not 0 <= self.seed < 2**64:
            raise InputError(f"The seed of a permutation is 0 to 2^64 - 1; found {self.seed}. Choose another one.")

    def apply(self, start: int, stop: int) -> NDArray[np.int64]:
        """Give the images of ``start`` … ``stop - 1``: int64 (stop - start,).

        Raises
        ------
        InputError
            These numbers are not among 0 … n-1.
        """
        if not 0 <= start <= stop <= self.n:
            raise InputError(f"There is no part {start} to {stop} of a permutation of {self.n} numbers.")
        ranks = np.empty(stop - start, dtype=np.int64)
        width = isqrt(self.n - 1) + 1  # Any width would do; with the root both halves are of one size.
        permute(start, self.n, width, self._keys, ranks)
        return ranks

    @cached_property
    def _keys(self) -> NDArray[np.uint64]:
        """Draw a key for each round from the seed."""
        steps = np.arange(1, ROUNDS + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        start = _mix(np.array([self.seed], dtype=np.uint64) + np.uint64(GOLDEN))
        keys: NDArray[np.uint64] = _mix(start + steps)
        return keys


_mix: Callable[[NDArray[np.uint64]], NDArray[np.uint64]] = mixed.py_func
"""For NumPy's arrays, whose uint64 wraps."""
