"""Rows that were counted apart, sorted and merged are the rows that are counted together, however they are cut."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.counting import RowMerger, SparseRows
from leadterm.errors import CountOverflowError
from support.naive_counts import count_windows, fixed_point
from support.random_windows import SIZES, assert_equals_naive, random_windows
from support.row_streams import Row, batches_of, by_statistic, count_to_rows, keyed, pack, unpack

CUTS = st.lists(st.integers(0, 7), max_size=12)
CAPACITIES = st.sampled_from([1, 70, 200, 10_000])


def merge(batches: list[SparseRows], size: int, capacity: int) -> list[Row]:
    """Merge a sorted stream; keys must come out ascending, in batches that keep to the capacity."""
    merger = RowMerger(size, capacity)
    merged = [rows for batch in batches for rows in merger.add(batch)]
    merged += merger.finish()
    assert all(rows.n_nonzeros <= max(capacity, size) for rows in merged)
    found = [row for rows in merged for row in unpack(rows)]
    assert [key for key, _ in found] == sorted({key for key, _ in found})
    assert not list(merger.finish())
    return found


@st.composite
def streams(draw) -> tuple[int, list[Row]]:
    """Draw V and rows sorted by key, many of the same key."""
    size = draw(st.sampled_from(SIZES))
    nonzeros = st.dictionaries(st.integers(0, size - 1), st.integers(1, 2**40), min_size=1, max_size=6)
    keys = st.sampled_from([0, 1, 2, 5, 2**32, 2**32 + 1, 3 * 2**32])
    return size, sorted(draw(st.lists(st.tuples(keys, nonzeros), max_size=30)), key=lambda row: row[0])


@given(streams(), CUTS, CAPACITIES)
@settings(max_examples=200, deadline=None)
def test_equal_keys_are_summed_however_the_stream_is_cut(stream, cuts, capacity):
    size, rows = stream
    expected: dict[int, Counter[int]] = {}
    for key, nonzeros in rows:
        expected.setdefault(key, Counter()).update(nonzeros)
    assert dict(merge(batches_of(rows, cuts), size, capacity)) == expected


@given(random_windows(), CUTS, CUTS, CAPACITIES)
@settings(max_examples=100, deadline=None)
def test_units_counted_apart_are_the_corpus_counted_together(corpus, units, cuts, capacity):
    pieces, rest = [], corpus.windows
    for n_windows in [*units, len(rest)]:
        pieces += keyed(count_to_rows(rest[:n_windows], corpus.size, corpus.weights, corpus.capacity))
        rest = rest[n_windows:]
    shuffled = sorted(pieces, key=lambda row: row[0])
    merged = merge(batches_of(shuffled, cuts), corpus.size, capacity)
    assert_equals_naive(by_statistic(merged), corpus.naive())


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_sum_is_exact_or_refused(first, second, apart):
    batches = [pack([(7, {3: first})]), pack([(7, {3: second})])]
    if not apart:
        batches = [pack([(7, {3: first}), (7, {3: second})])]
    if first + second < 2**63:
        assert merge(batches, 5, 5) == [(7, {3: first + second})]
    else:
        with pytest.raises(CountOverflowError, match=r"row 7 .*lower counting.scale_bits"):
            merge(batches, 5, 5)


def test_many_units_of_a_long_text():
    random = np.random.default_rng(5)
    windows = [random.zipf(1.2, size=65).clip(max=200).tolist() for _ in range(60)]
    weights = np.array([fixed_point(32)(t) for t in range(1, 65)])
    pieces = [row for i in range(60) for row in keyed(count_to_rows(windows[i : i + 1], 201, weights, 300))]
    merged = merge(batches_of(sorted(pieces, key=lambda row: row[0]), [1, 50, 400]), 201, 500)
    assert_equals_naive(by_statistic(merged), count_windows(windows, fixed_point(32)))
