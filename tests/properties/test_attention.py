"""The attention kernel against the definition with one-hot matrices and the softmax's Jacobian, on any windows."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leadterm.counting import TERM_BITS, Statistic
from leadterm.errors import RunError
from support.attention_cases import as_scores, compose, count, sums
from support.dense_attention import dense_attention, dense_composed, dense_scores
from support.dense_theory import count as count_dense
from support.random_windows import RandomWindows, random_windows


def bits_for(composed) -> int:
    """Leave room: a term is below the spread of the scores, and these little corpora have few positions."""
    spread = np.ptp(np.concatenate([composed.scores, composed.without_row, [0.0]]))
    return TERM_BITS - int(np.ceil(np.log2(max(spread, 2.0**-200))))


@st.composite
def cases(draw):
    """Windows with at least a position, and which tokens are kept."""
    corpus = draw(random_windows())
    assume(any(len(window) > 1 for window in corpus.windows))
    some = draw(st.lists(st.booleans(), min_size=1, max_size=min(corpus.size, 130)))
    kept = np.resize(some, corpus.size)
    return corpus, draw(st.sampled_from([np.ones(corpus.size, dtype=bool), kept])), draw(ways())


def ways():
    """How many places a block has, and when a row is written out for one pair of tokens: never, sometimes, always."""
    return st.tuples(st.integers(1, 60), st.sampled_from([0.0, 0.5, 1.0, np.inf]))


def run(corpus, kept, way):
    """The kernel's integers, and how many bits they have after the point."""
    dense = count_dense([window for window in corpus.windows if window], corpus.size)
    composed = compose(dense, kept)
    bits = bits_for(composed)
    scores = as_scores(composed, np.full(corpus.size, bits, dtype=np.int32), bits)
    return dense, count(corpus.windows, corpus.length, scores, corpus.capacity, *way), bits


@given(cases())
@settings(max_examples=200, deadline=None)
def test_the_kernel_equals_the_definition(case):
    assert_equals_the_definition(*case)


@pytest.mark.parametrize("n_entries", [15, 16, 17, 47, 48, 49])
@pytest.mark.parametrize("entries_per_score", [0.0, np.inf])
def test_rows_of_scores_of_any_length_are_laid_out_whole(n_entries, entries_per_score):
    """Those of the last token have so many entries, and the others fewer: entries are taken sixteen at a time."""
    windows = [list(range(n_entries + 1)), [*range(n_entries - 1, -1, -1), n_entries], [1, 0, n_entries]]
    corpus = RandomWindows(windows, n_entries + 1, n_entries, 32, 10_000)
    assert_equals_the_definition(corpus, np.ones(corpus.size, dtype=bool), (10_000, entries_per_score))


def assert_equals_the_definition(corpus, kept, way):
    dense, pieces, bits = run(corpus, kept, way)
    ids = None if kept.all() else np.flatnonzero(kept)
    statistics = (dense.bigram_counts, dense.context_weights, dense.alpha, dense.rho, dense.n_positions, corpus.size)
    scores = dense_scores(dense_composed(*statistics, ids), corpus.size, ids)
    query_key, position = dense_attention(corpus.windows, scores, corpus.length)
    query_key[~kept] = 0
    query_key[:, ~kept] = 0
    found_matrix, found_position = np.zeros_like(query_key), np.zeros(corpus.length + 1)
    for statistic, entries in sums(pieces).items():
        for (row, column), value in entries.items():
            if statistic == Statistic.QUERY_KEY:
                assert kept[row]
                assert kept[column]
                found_matrix[row, column] = value
            elif statistic == Statistic.POSITION:
                found_position[column] = value
    assert found_position[corpus.length] == dense.n_positions
    # A score is a sum of at most V^2 products of numbers below 1, rounded; 1e-10 of the largest is far above that.
    # Where they cancel (no bigram is more frequent than chance), what is left is their rounding: V^2 2^-53 < 1e-14.
    size = max(np.abs(scores).max(), 1e-4)
    assert np.abs(np.ldexp(found_matrix, -bits) / dense.n_positions - query_key).max() <= 1e-10 * size
    assert np.abs(np.ldexp(found_position[:-1], -bits) / dense.n_positions - position).max() <= 1e-10 * size


@given(cases(), ways())
@settings(max_examples=100, deadline=None)
def test_any_blocks_and_any_division_of_the_windows_give_the_same_integers(case, other_way):
    corpus, kept, way = case
    dense, pieces, bits = run(corpus, kept, way)
    scores = as_scores(compose(dense, kept), np.full(corpus.size, bits, dtype=np.int32), bits)
    parts = [corpus.windows[::2], corpus.windows[1::2]]
    other = [piece for part in parts for piece in count(part, corpus.length, scores, 10_000, *other_way)]
    assert sums(pieces) == sums(other)


@given(cases())
@settings(max_examples=50, deadline=None)
def test_rows_ascend_and_batches_keep_to_their_capacity(case):
    corpus, kept, way = case
    _, pieces, _ = run(corpus, kept, way)
    keys = [key for kind, rows in pieces if kind == Statistic.QUERY_KEY for key in rows.keys.tolist()]
    assert all(a < b for a, b in pairwise(keys))
    assert all(
        rows.n_nonzeros <= max(corpus.capacity, corpus.size) for kind, rows in pieces if kind == Statistic.QUERY_KEY
    )


@pytest.mark.parametrize("entries_per_score", [0.0, np.inf])
@pytest.mark.parametrize("windows", [[[0, 1, 2, 3]], [[3, 0, 1]], [[0, 1], [0, 3]]])
def test_scores_of_other_windows_are_refused(windows, entries_per_score):
    composed = compose(count_dense([[0, 1, 2], [2, 1, 0]], 4))
    with pytest.raises(RunError, match="a pair of tokens that occurs in the windows has no score"):
        count(windows, 3, as_scores(composed, np.full(4, 40, dtype=np.int32), 40), 1, 1, entries_per_score)
