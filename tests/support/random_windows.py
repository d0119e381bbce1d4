"""Windows as Hypothesis draws them, with what the kernels and the loop over positions make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from leadterm.counting import SparseRows, Statistic, reciprocal_weights
from support.naive_counts import NaiveCounts, count_windows, fixed_point, same_exactly
from support.row_streams import count_to_rows

SIZES = (1, 2, 5, 63, 64, 65, 130, 700)
"""Vocabularies around the 64 columns that the kernels look at together; of the largest, rows with one or two positions
are none that the kernels take as full."""


@dataclass(frozen=True)
class RandomWindows:
    """Windows of at most length + 1 tokens below size, and the settings to count them with."""

    windows: list[list[int]]
    size: int
    length: int
    scale_bits: int
    capacity: int

    @property
    def weights(self) -> np.ndarray:
        return reciprocal_weights(self.length, self.scale_bits)

    def naive(self) -> NaiveCounts:
        return count_windows(self.windows, fixed_point(self.scale_bits))

    def kernel(self) -> list[tuple[Statistic, SparseRows]]:
        return count_to_rows(self.windows, self.size, self.weights, self.capacity)


@st.composite
def random_windows(draw, longest: int = 12) -> RandomWindows:
    """Draw any windows: none, empty windows, windows of one token, tokens that never occur, T = 1."""
    size, length = draw(st.sampled_from(SIZES)), draw(st.integers(1, longest))
    used = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=6, unique=True))
    window = st.lists(st.sampled_from(used), max_size=length + 1)
    return RandomWindows(
        windows=draw(st.lists(window, max_size=12)),
        size=size,
        length=length,
        scale_bits=draw(st.sampled_from([8, 21, 32, 40])),
        capacity=draw(st.sampled_from([1, size, size + 1, 3 * size, 10_000])),
    )


def assert_equals_naive(found: dict[Statistic, dict[tuple[int, int], int]], naive: NaiveCounts) -> None:
    """Compare all four statistics, as integers."""
    assert same_exactly(found[Statistic.BIGRAM], naive.bigram)
    assert same_exactly(found[Statistic.CONTEXT], naive.context)
    current, context = (
        {(0, key): n for key, n in part.items()} for part in (naive.current_frequency, naive.context_frequency)
    )
    assert same_exactly(found[Statistic.CURRENT_FREQUENCY], current)
    assert same_exactly(found[Statistic.CONTEXT_FREQUENCY], context)
