"""Composition at the pairs that occur, against dense products; and the same bytes for any memory and threads."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leadterm.errors import ConfigError
from leadterm.pipeline.compose_weights import compose_scores
from leadterm.pipeline.compose_weights.cpu import BYTES_PER_CELL, NARROW, WIDEST, divide_memory
from support.attention_cases import compose, dense_of, pair_statistics
from support.dense_attention import dense_composed, dense_scores
from support.dense_theory import count
from support.dense_theory import random_windows as markov_windows
from support.random_windows import random_windows


def expected(dense, size, kept=None):
    ids = None if kept is None else np.flatnonzero(kept)
    statistics = (dense.bigram_counts, dense.context_weights, dense.alpha, dense.rho, dense.n_positions, size)
    return dense_scores(dense_composed(*statistics, ids), size, ids)


@given(random_windows(), st.data())
@settings(max_examples=100, deadline=None)
def test_scores_equal_dense_products(corpus, data):
    assume(any(len(window) > 1 for window in corpus.windows))
    dense = count([window for window in corpus.windows if window], corpus.size)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=corpus.size, max_size=corpus.size)))
    kept = data.draw(st.sampled_from([None, kept]))
    composed, scores = compose(dense, kept), expected(dense, corpus.size, kept)
    found = dense_of(composed)
    occurs = ~np.isnan(found)
    mask = np.ones(corpus.size, dtype=bool) if kept is None else kept
    assert (occurs == ((dense.context_weights > 0) & np.outer(mask, mask))).all()
    # Sums of at most V products, twice: rounding is below V^2 / 2^53 of the largest.
    assert np.abs(found - scores)[occurs].max(initial=0) <= 1e-12 * np.abs(scores).max(initial=1e-300)
    if kept is None:
        assert not composed.without_row.any(), "the mean over all next tokens is exactly 0"
    elif not kept.all():
        missing = np.flatnonzero(~kept)[0]
        assert np.abs(composed.without_row - scores[missing]).max() <= 1e-12 * np.abs(scores).max(initial=1e-300)


def room_for(size, width):
    """The memory of one thread whose strips are so wide."""
    return BYTES_PER_CELL * size * width


@pytest.mark.parametrize("kept", [None, np.arange(50) % 3 > 0])
def test_any_memory_and_any_threads_give_the_same_bytes(kept):
    dense = count(markov_windows(40, 30, 50, seed=2), 50)
    strips = ((50, 1), (7, 2), (1, 5))
    first, *others = (compose(dense, kept, threads * room_for(50, width), threads) for width, threads in strips)
    assert first.scores.any()
    for other in others:
        assert other.scores.tobytes() == first.scores.tobytes()
        assert other.without_row.tobytes() == first.without_row.tobytes()


@pytest.mark.parametrize("kept", [None, np.arange(50) % 3 > 0])
def test_rows_that_are_laid_out_dense_and_those_that_are_not_give_the_same_bytes(kept, monkeypatch):
    dense = count(markov_windows(40, 30, 50, seed=2), 50)
    some = compose(dense, kept, room_for(50, 20), 1)
    for share in (50, 0.5):  # all rows with an entry, and none
        monkeypatch.setattr("leadterm.pipeline.compose_weights.cpu.DENSE", share)
        other = compose(dense, kept, room_for(50, 20), 1)
        assert other.scores.tobytes() == some.scores.tobytes()
        assert other.without_row.tobytes() == some.without_row.tobytes()


def test_memory_is_divided_among_threads_that_have_room_for_a_column():
    assert divide_memory(room_for(100, 60), 100, 2) == (2, 30)
    assert divide_memory(room_for(100, 3), 100, 8) == (3, 1)
    assert divide_memory(2**60, 10_000, 2) == (2, WIDEST)
    assert divide_memory(2**60, 4_096, 2) == (2, NARROW)
    assert divide_memory(2**60, 4_097, 2) == (2, WIDEST)
    assert divide_memory(2**60, 100, 2) == (2, 100)


def test_too_little_memory_says_how_much_would_do():
    with pytest.raises(ConfigError, match=r"attention.memory is 100 bytes; .* needs at least 160,000. Raise attention"):
        divide_memory(100, 10_000, 2)


def test_all_tokens_kept_is_the_same_as_no_choice():
    dense = count(markov_windows(10, 12, 20, seed=4), 20)
    whole, all_kept = pair_statistics(dense), pair_statistics(dense, np.ones(20, dtype=bool))
    assert whole.bigram.data.tobytes() == all_kept.bigram.data.tobytes()
    assert compose(dense).scores.tobytes() == compose(dense, np.ones(20, dtype=bool)).scores.tobytes()


@pytest.mark.parametrize("kept", [None, np.arange(30) % 3 > 0])
def test_composing_goes_on_from_any_block_to_the_same_bytes(kept):
    """What had been begun of the next block is written again."""
    statistics = pair_statistics(count(markov_windows(30, 20, 30, seed=4), 30), kept)
    states, scores = [], np.zeros(statistics.context.nnz)
    states_of = {"on_block": lambda done: states.append((done.copy(), scores.copy()))}
    whole = compose_scores(statistics, scores, room_for(30, 7), threads=1, **states_of)
    assert [len(done) for done, _ in states] == [7, 14, 21, 28, 30]
    for done, before in states:
        for begun in (before, np.where(before == 0, np.nan, before)):
            for width in (1, 4, 30):
                found = compose_scores(statistics, begun.copy(), room_for(30, width), threads=1, done=done.copy())
                assert found.scores.tobytes() == whole.scores.tobytes()
                assert found.without_row.tobytes() == whole.without_row.tobytes()
