"""Rows that were counted apart, written to files and merged are the rows that are counted together."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.counting import GroupSum, RowGroups, SparseRows, Statistic
from leadterm.errors import CountOverflowError
from leadterm.pipeline.aggregation.coverage import Cover
from leadterm.pipeline.aggregation.partial_sums_file import Partials, partials_file
from leadterm.storage import Location
from support.naive_counts import count_windows, fixed_point
from support.random_windows import SIZES, assert_equals_naive, random_windows
from support.row_streams import Row, by_statistic, count_to_rows, keyed, pack, unpack

CUTS = st.lists(st.integers(0, 7), max_size=6)
Counted = list[tuple[Statistic, SparseRows]]


@st.composite
def divisions(draw) -> RowGroups:
    """Draw how rows are divided."""
    rows_per_file = draw(st.integers(1, 9))
    return RowGroups(rows_per_file, draw(st.integers(1, rows_per_file)))


def merge(units: list[Counted], size: int, groups: RowGroups) -> list[Row]:
    """Write each unit to a file, merge them group by group; rows must come out ascending."""
    merged: Counted = []
    with TemporaryDirectory() as folder:
        places = [Location.of(Path(folder) / str(number)) for number in range(len(units))]
        for number, (place, counted) in enumerate(zip(places, units, strict=True)):
            with partials_file(place, groups, Cover.of([number])) as file:
                for statistic, rows in counted:
                    file.append(statistic, rows)
        opened, total = [Partials(place) for place in places], GroupSum(groups.rows_per_group, size)
        for statistic in Statistic:
            for block in range(-(-size // groups.rows_per_file)):
                for group, first in groups.of_file(block):
                    for partial in opened:
                        for rows in partial.read(statistic, group):
                            total.add(rows, first)
                    merged.append((statistic, total.drain(first).copy()))
    found = keyed(merged)
    assert [key for key, _ in found] == sorted({key for key, _ in found})
    return found


@st.composite
def streams(draw) -> tuple[int, list[list[Row]]]:
    """Draw V and some units of rows sorted by number, many of the same number."""
    size = draw(st.sampled_from(SIZES))
    nonzeros = st.dictionaries(st.integers(0, size - 1), st.integers(1, 2**40), min_size=1, max_size=6)
    rows = st.dictionaries(st.sampled_from([row for row in (0, 1, 2, 5, size - 1) if row < size]), nonzeros)
    return size, [sorted(unit.items()) for unit in draw(st.lists(rows, max_size=8))]


@given(streams(), divisions())
@settings(max_examples=100, deadline=None)
def test_equal_rows_are_summed_however_they_are_divided(stream, groups):
    size, units = stream
    expected: dict[int, Counter[int]] = {}
    for unit in units:
        for row, nonzeros in unit:
            expected.setdefault(row, Counter()).update(nonzeros)
    merged = merge([[(Statistic.BIGRAM, pack(unit))] for unit in units], size, groups)
    assert dict(merged) == expected


@given(random_windows(), CUTS, divisions())
@settings(max_examples=50, deadline=None)
def test_units_counted_apart_are_the_corpus_counted_together(corpus, cuts, groups):
    units, rest = [], corpus.windows
    for n_windows in [*cuts, len(rest)]:
        units.append(count_to_rows(rest[:n_windows], corpus.size, corpus.weights, corpus.capacity))
        rest = rest[n_windows:]
    assert_equals_naive(by_statistic(merge(units, corpus.size, groups)), corpus.naive())


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
@settings(max_examples=100, deadline=None)
def test_a_sum_is_exact_or_refused(first, second):
    total = GroupSum(2, 5)
    total.add(pack([(7, {3: first})]), 6)
    if first + second < 2**63:
        total.add(pack([(7, {3: second})]), 6)
        assert unpack(total.drain(6)) == [(7, {3: first + second})]
    else:
        with pytest.raises(CountOverflowError, match=r"row 7 .*lower counting.scale_bits"):
            total.add(pack([(7, {3: second})]), 6)


def test_many_units_of_a_long_text():
    random = np.random.default_rng(5)
    windows = [random.zipf(1.2, size=65).clip(max=200).tolist() for _ in range(60)]
    weights = np.array([fixed_point(32)(t) for t in range(1, 65)])
    units = [count_to_rows(windows[i : i + 1], 201, weights, 300) for i in range(60)]
    merged = merge(units, 201, RowGroups(20, 7))
    assert_equals_naive(by_statistic(merged), count_windows(windows, fixed_point(32)))
