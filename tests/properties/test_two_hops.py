"""The kernel of the context map over two hops against the definition, and against the loop it computes."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from leadterm.counting import Statistic
from leadterm.counting.fixed_point import INT64_MAX
from leadterm.counting.two_hop_kernels import WORKING_BITS
from leadterm.counting.two_hops import check_two_hops_fit, count_two_hops
from leadterm.errors import CountOverflowError, InputError
from support.naive_counts import fixed_point
from support.random_windows import random_windows
from support.row_streams import unpack


def flat(windows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, windows)])
    return np.array([token for window in windows for token in window], dtype=np.int32), offsets.astype(np.int64)


def kernel(windows, size, length, scale_bits, capacity=1) -> dict[Statistic, Counter]:
    found = {statistic: Counter() for statistic in (Statistic.TWO_HOP, Statistic.CURRENT_CONTEXT)}
    for statistic, rows in count_two_hops(*flat(windows), size, length, scale_bits, capacity):
        for key, row in unpack(rows):
            for column, value in row.items():
                assert (key, column) not in found[statistic]
                found[statistic][key, column] = value
    return found


def by_recursion(window: list[int], scale_bits: int) -> Counter:
    """W_j = W_{j+1} + (1/j) R_j for each next token by itself, in Python's integers and floats."""
    found: Counter = Counter()
    shift, weight = WORKING_BITS - scale_bits, fixed_point(WORKING_BITS)
    for following in set(window[1:]):
        one_hop, two_hops = 0.0, 0
        for j in range(len(window) - 1, 0, -1):
            if window[j] == following:
                one_hop += weight(j)
            two_hops += int(one_hop * (1 / j))
            if value := (two_hops + (1 << shift - 1)) >> shift:
                found[following, window[j - 1]] += value
    return found


def by_definition(windows: list[list[int]]) -> Counter:
    """(1/t) (1/j + ... + 1/t) for each position and each token of its context, in fractions."""
    found: Counter = Counter()
    for window in windows:
        for t in range(1, len(window)):
            for j in range(1, t + 1):
                found[window[t], window[j - 1]] += Fraction(1, t) * sum(Fraction(1, m) for m in range(j, t + 1))
    return found


@given(random_windows())
@settings(max_examples=150, deadline=None)
def test_the_kernel_equals_the_loop(corpus):
    found = kernel(corpus.windows, corpus.size, corpus.length, corpus.scale_bits, corpus.capacity)
    expected: Counter = Counter()
    for window in corpus.windows:
        expected.update(by_recursion(window, corpus.scale_bits))
    assert found[Statistic.TWO_HOP] == expected
    weight = fixed_point(corpus.scale_bits)
    own: Counter = Counter()
    for window in corpus.windows:
        for t in range(1, len(window)):
            own.update({(window[t - 1], token): n * weight(t) for token, n in Counter(window[:t]).items()})
    assert found[Statistic.CURRENT_CONTEXT] == own


@given(random_windows())
@settings(max_examples=50, deadline=None)
def test_entries_are_those_of_the_definition(corpus):
    """Within half a unit for each window and place; the working sums are off by far less."""
    found = kernel(corpus.windows, corpus.size, corpus.length, 40)[Statistic.TWO_HOP]
    exact = by_definition(corpus.windows)
    allowed = 0.51 * sum(len(window) for window in corpus.windows)
    assert set(found) == set(exact)
    assert all(abs(found[pair] - exact[pair] * 2**40) <= allowed for pair in exact)


# A weight is at least 1/T^2 = 2^-12; half a unit of 2^-32 is 2^-21 = 4.8e-7 of it.
def test_every_entry_is_right_to_a_millionth_at_64_positions():
    random = np.random.default_rng(2)
    windows = [(random.integers(0, 60, 65) ** 2 // 60).tolist() for _ in range(4)]
    found = kernel(windows, 60, 64, 32)[Statistic.TWO_HOP]
    exact = by_definition(windows)
    assert max(abs(found[pair] / 2**32 - float(value)) / float(value) for pair, value in exact.items()) <= 1e-6


def test_rows_sum_to_what_the_next_token_occurs():
    random = np.random.default_rng(3)
    windows = [random.integers(0, 50, 400).tolist() for _ in range(3)]
    rows = Counter()
    for (row, _), value in kernel(windows, 50, 399, 32)[Statistic.TWO_HOP].items():
        rows[row] += value / 2**32
    expected = Counter(token for window in windows for token in window[1:])
    assert all(rows[token] == pytest.approx(n, rel=1e-6) for token, n in expected.items())


def test_sums_of_parts_are_those_of_the_whole():
    """Windows are never divided, so what they add does not depend on which others are counted with them."""
    random = np.random.default_rng(4)
    windows = [random.integers(0, 30, random.integers(2, 40)).tolist() for _ in range(20)]
    whole = kernel(windows, 30, 40, 32)
    for first in (1, 7, 13):
        parts = [kernel(some, 30, 40, 32) for some in (windows[:first], windows[first:])]
        assert all(parts[0][kind] + parts[1][kind] == whole[kind] for kind in whole)


@pytest.mark.parametrize("windows", [[[0, 3]], [[0, 1, 2, 0, 1]]])
def test_an_id_or_a_length_out_of_range_is_refused(windows):
    with pytest.raises(InputError):
        kernel(windows, 3, 3, 32)


def test_what_might_overflow_is_refused_with_the_setting():
    check_two_hops_fit(100, 4, 32)
    with pytest.raises(
        CountOverflowError, match=r"weights over two hops might not fit.*scale_bits\s+to 27 or less, or"
    ):
        check_two_hops_fit(2**32, 64, 40)
    check_two_hops_fit(2**32, 64, 27)
    heaviest = 2**32 * sum(sum(1 / m for m in range(1, t + 1)) / t for t in range(1, 65)) * 2**27
    assert heaviest <= INT64_MAX
