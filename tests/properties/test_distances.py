"""Pairs at exact distances against the loop over pairs, on any windows."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.counting.distance_pairs import count_distances
from leadterm.errors import InputError
from support.random_windows import random_windows


def naive(windows: list[list[int]], distance: int) -> Counter:
    """Look at every pair of every window."""
    return Counter((window[i], window[i + distance]) for window in windows for i in range(len(window) - distance))


def flat(windows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, windows)])
    return np.array([token for window in windows for token in window], dtype=np.int32), offsets.astype(np.int64)


@given(random_windows(), st.sets(st.integers(1, 12), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_the_kernel_equals_the_loop_over_pairs(corpus, chosen):
    distances = sorted(chosen)
    found = [Counter() for _ in distances]
    keys: list[list[int]] = [[] for _ in distances]
    for number, rows in count_distances(*flat(corpus.windows), corpus.size, distances, corpus.length, corpus.capacity):
        keys[number] += rows.keys.tolist()
        for i, key in enumerate(rows.keys.tolist()):
            entries = slice(rows.offsets[i], rows.offsets[i + 1])
            columns = rows.columns[entries].tolist()
            assert columns == sorted(set(columns))
            found[number] += Counter({(key, c): v for c, v in zip(columns, rows.values[entries].tolist(), strict=True)})
    assert found == [naive(corpus.windows, distance) for distance in distances]
    assert all(some == sorted(set(some)) for some in keys)


def test_at_distance_one_they_are_the_bigrams_and_beyond_a_window_there_is_none():
    windows = [[0, 1, 0, 2], [2, 2]]
    found = dict(count_distances(*flat(windows), 3, [1, 4], 3, 8))
    one = found[0]
    assert one.keys.tolist() == [0, 1, 2]
    assert (one.columns.tolist(), one.values.tolist()) == ([1, 2, 0, 2], [1, 1, 1, 1])
    assert found[1].n_nonzeros == 0


@pytest.mark.parametrize("windows", [[[0, 3]], [[0, 1, 2, 0, 1]]])
def test_an_id_or_a_length_out_of_range_is_refused(windows):
    with pytest.raises(InputError):
        list(count_distances(*flat(windows), 3, [1], 3, 8))
