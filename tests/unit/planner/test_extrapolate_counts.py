"""Numbers of pairs, predicted from samples of corpora that were counted whole."""

import numpy as np
import pytest

from leadterm.counting import Statistic, count_unit, reciprocal_weights
from leadterm.planner.distinct_pairs import take_census
from leadterm.planner.extrapolate_counts import predict
from leadterm.planner.interval import Estimate


def zipf_windows(size: int, n_windows: int, length: int, topics: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Windows of tokens by Zipf's law, each window of a topic whose tokens are numbered anew."""
    random = np.random.default_rng(size + length)
    shares = np.cumsum(1 / np.arange(1, size + 1))
    tokens = np.searchsorted(shares / shares[-1], random.random((n_windows, length + 1)))
    moved = tokens * 7919 + random.integers(0, topics, (n_windows, 1)) * 104729
    return (moved % size).astype(np.int32).ravel(), np.arange(n_windows + 1) * (length + 1)


def count(tokens, offsets, size, weights) -> dict[str, int]:
    found = dict.fromkeys(("bigram", "context"), 0)
    for statistic, rows in count_unit(tokens, offsets, size, weights, 2**20):
        if statistic in (Statistic.BIGRAM, Statistic.CONTEXT):
            found[statistic.name.lower()] += rows.n_nonzeros
    return found


@pytest.mark.parametrize(
    ("size", "n_windows", "length", "topics"),
    [(300, 4000, 64, 1), (3000, 8000, 64, 1), (20_000, 8000, 64, 1), (20_000, 8000, 64, 20), (5000, 700, 700, 1)],
    ids=["full", "nearly full", "sparse", "topics", "long windows"],
)
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_the_truth_lies_within_the_bounds(size, n_windows, length, topics, share):
    weights = reciprocal_weights(length, 32)
    tokens, offsets = zipf_windows(size, n_windows, length, topics)
    truth = count(tokens, offsets, size, weights)
    some = int(n_windows * share)
    census = take_census(tokens[: offsets[some]], offsets[: some + 1], size, weights, None)
    for name, true in truth.items():
        found = predict(census, name, Estimate.exact(n_windows * length), ceiling=float(size) ** 2)
        assert found.low <= true <= found.high, (name, true / found.value)


def test_pairs_of_long_windows_are_counted_with_the_weights_of_the_job():
    """In eight bits 1/t rounds to 0 beyond t = 512: half of the pairs of T = 1,024 were not predicted."""
    length, size, n = 1024, 4000, 8
    tokens, offsets = zipf_windows(size, n, length)
    weights = reciprocal_weights(length, 32)
    found = take_census(tokens, offsets, size, weights, None).whole
    pairs: set[int] = set()
    for window in tokens.reshape(n, -1).astype(np.int64):
        for t in range(1, length + 1):
            pairs.update((window[t] * size + np.unique(window[:t])).tolist())
    assert found.context == count(tokens, offsets, size, weights)["context"] == len(pairs)


def test_a_sample_that_is_the_corpus_is_exact():
    tokens, offsets = zipf_windows(500, 64, 32)
    census = take_census(tokens, offsets, 500, reciprocal_weights(32, 32), None)
    found = predict(census, "context", Estimate.exact(64 * 32), ceiling=500.0**2)
    assert found.is_exact
    assert found.value == census.whole.context


def test_quarters_that_differ_widen_the_bounds():
    alike, unlike = (zipf_windows(20_000, 640, 64, topics) for topics in (1, 1))
    tokens = unlike[0].copy()
    tokens[: len(tokens) // 4] = tokens[: len(tokens) // 4] % 50
    widths = []
    for some in (alike[0], tokens):
        census = take_census(some, alike[1], 20_000, reciprocal_weights(64, 32), None)
        found = predict(census, "bigram", Estimate.exact(6400 * 64), ceiling=4e8)
        widths.append(found.high / found.low)
    assert widths[1] > 1.3 * widths[0]
