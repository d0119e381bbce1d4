"""The kernels against the loop over positions, on any windows."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from leadterm.counting import Statistic
from support.naive_counts import count_windows, rational
from support.random_windows import RandomWindows, assert_equals_naive, random_windows
from support.row_streams import by_statistic, keyed


@given(random_windows())
@settings(max_examples=200, deadline=None)
def test_kernels_equal_the_loop_over_positions(corpus):
    assert_equals_naive(by_statistic(keyed(corpus.kernel())), corpus.naive())


@pytest.mark.parametrize("capacity", [1, 7, 64, 500])
def test_windows_longer_than_any_batch(capacity):
    random = np.random.default_rng(3)
    windows = [random.zipf(1.3, size=n).clip(max=130).tolist() for n in (401, 400, 2, 77)]
    corpus = RandomWindows(windows, 131, 400, 32, capacity)
    pieces = corpus.kernel()
    assert_equals_naive(by_statistic(keyed(pieces)), corpus.naive())
    largest = max(rows.n_nonzeros for _, rows in pieces)
    assert largest <= max(capacity, 131)
    assert len(pieces) >= 2 + 2 * (1 if capacity == 500 else 20)  # the batches were cut, or this tests nothing


@given(random_windows())
@settings(max_examples=100, deadline=None)
def test_batches_keep_to_their_capacity_and_keys_ascend(corpus):
    pieces = corpus.kernel()
    for statistic in Statistic:
        keys = [key for kind, rows in pieces if kind == statistic for key in rows.keys.tolist()]
        assert all(a < b for a, b in pairwise(keys))
    assert all(rows.n_nonzeros <= max(corpus.capacity, corpus.size) for _, rows in pieces)


@given(random_windows(longest=30))
@settings(max_examples=100, deadline=None)
def test_context_weights_are_as_near_to_the_rational_sums_as_promised(corpus):
    # Each weight is off by at most 1/2 unit in 2^bits / t >= 2^bits / T units; a sum of positive terms, each of
    # relative error at most e, has relative error at most e. Compared as fractions, so nothing else is rounded.
    bound = rational(2 ** (corpus.scale_bits + 1)) * corpus.length
    exact, found = count_windows(corpus.windows, rational), by_statistic(keyed(corpus.kernel()))
    pairs = [(exact.context[key], value) for key, value in found[Statistic.CONTEXT].items()]
    pairs += [(exact.context_frequency[key], value) for (_, key), value in found[Statistic.CONTEXT_FREQUENCY].items()]
    for true, value in pairs:
        error = abs(value * rational(2**corpus.scale_bits) / true - 1)
        assert error <= bound
        assert corpus.scale_bits < 32 or error <= 1e-6
    assert exact.context.keys() == found[Statistic.CONTEXT].keys()


@given(random_windows())
@settings(max_examples=100, deadline=None)
def test_margins_are_the_frequencies(corpus):
    found = by_statistic(keyed(corpus.kernel()))
    rows, columns = {}, {}
    for (row, _), value in found[Statistic.BIGRAM].items():
        rows[0, row] = rows.get((0, row), 0) + value
    for (_, column), value in found[Statistic.CONTEXT].items():
        columns[0, column] = columns.get((0, column), 0) + value
    assert rows == found[Statistic.CURRENT_FREQUENCY]
    assert columns == found[Statistic.CONTEXT_FREQUENCY]


@given(random_windows())
@settings(max_examples=100, deadline=None)
def test_no_sum_exceeds_what_check_no_overflow_assumes(corpus):
    found = by_statistic(keyed(corpus.kernel()))
    occurrences = Counter(token for window in corpus.windows for token in window)
    heaviest = int(corpus.weights.sum())
    for (_, token), value in found[Statistic.CONTEXT_FREQUENCY].items():
        assert value <= occurrences[token] * heaviest
    for (_, token), value in found[Statistic.CONTEXT].items():
        assert value <= found[Statistic.CONTEXT_FREQUENCY][0, token]
