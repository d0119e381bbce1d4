"""Composition at the pairs that occur, against dense products; and the same bytes for any memory and threads."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leadterm.errors import ConfigError
from leadterm.pipeline.compose_weights import compose_scores
from leadterm.pipeline.compose_weights.add_rows import LANES
from leadterm.pipeline.compose_weights.context_strips import Strips, bytes_per_column
from leadterm.pipeline.compose_weights.cpu import WIDEST, divide_memory
from support.attention_cases import compose, dense_of, pair_statistics
from support.dense_attention import dense_composed, dense_scores
from support.dense_theory import count
from support.dense_theory import random_windows as markov_windows
from support.random_windows import random_windows


def expected(dense, size, kept=None):
    ids = None if kept is None else np.flatnonzero(kept)
    statistics = (dense.bigram_counts, dense.context_weights, dense.alpha, dense.rho, dense.n_positions, size)
    return dense_scores(dense_composed(*statistics, ids), size, ids)


def uncancelled(dense, kept=None):
    """The largest sum of the terms of a score without their signs, float64 scalar: what rounding is relative to."""
    found = pair_statistics(dense, kept)
    alpha, rho, size = found.current_frequency, found.context_frequency, found.size
    inner = (found.bigram @ found.context).toarray() + np.outer(found.row_sums, rho) / size
    inner += np.outer(alpha, found.column_sums + rho) / size
    return (found.bigram.T @ inner + alpha @ inner / size).max()


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
    # Sums of at most V products, twice: rounding is below V^2 / 2^53 of the terms, which may cancel to nothing.
    tolerance = 1e-12 * uncancelled(dense, kept)
    assert np.abs(found - scores)[occurs].max(initial=0) <= tolerance
    if kept is None:
        assert not composed.without_row.any(), "the mean over all next tokens is exactly 0"
    elif not kept.all():
        missing = np.flatnonzero(~kept)[0]
        assert np.abs(composed.without_row - scores[missing]).max() <= tolerance


def test_scores_that_cancel_are_rounded_from_terms_that_do_not():
    dense = count([[0, 0, 0], [0, 0, 0], [0, 1, 1], [0, 1, 1], [0, 1, 1], [1, 0, 0]], 2)
    assert not expected(dense, 2).any()
    assert np.nanmax(np.abs(dense_of(compose(dense)))) <= 1e-12 * uncancelled(dense)


def room_for(size, width):
    """The memory of one thread whose strips are so wide."""
    return bytes_per_column(size) * width


@pytest.mark.parametrize("kept", [None, np.arange(300) % 3 > 0])
def test_any_memory_and_any_threads_give_the_same_bytes(kept):
    dense = count(markov_windows(40, 30, 300, seed=2), 300)
    strips = ((3 * LANES, 1), (2 * LANES, 2), (LANES, 5))
    first, *others = (compose(dense, kept, threads * room_for(300, width), threads) for width, threads in strips)
    assert first.scores.any()
    for other in others:
        assert other.scores.tobytes() == first.scores.tobytes()
        assert other.without_row.tobytes() == first.without_row.tobytes()


@pytest.mark.parametrize("kept", [None, np.arange(50) % 3 > 0])
@pytest.mark.parametrize("width", [50, 20, 1])
def test_rows_that_are_laid_out_dense_and_those_that_are_packed_give_the_same_bytes(kept, width, monkeypatch):
    statistics = pair_statistics(count(markov_windows(40, 30, 50, seed=2), 50), kept)
    made = []
    for share in (50, 10, 3, 0):  # from all rows with an entry to none
        monkeypatch.setattr("leadterm.pipeline.compose_weights.context_strips.DENSE", share)
        scores = np.full(statistics.context.nnz, np.nan)
        strips = Strips(statistics, scores, width, 1)
        made.append((np.concatenate([strips.compose(origin) for origin in range(0, 50, width)]), scores))
    for means, scores in made:
        assert (means.tobytes(), scores.tobytes()) == tuple(one.tobytes() for one in made[0])


@pytest.mark.parametrize("kept", [None, np.arange(50) % 3 > 0])
def test_the_blocks_of_current_tokens_do_not_change_the_bytes(kept, monkeypatch):
    dense = count(markov_windows(40, 30, 50, seed=2), 50)
    whole = compose(dense, kept)
    for height in (1, 7, 49):
        for module in ("context_strips", "ranked_bigram"):
            monkeypatch.setattr(f"leadterm.pipeline.compose_weights.{module}.BLOCK", height)
        other = compose(dense, kept)
        assert other.scores.tobytes() == whole.scores.tobytes()
        assert other.without_row.tobytes() == whole.without_row.tobytes()


def test_memory_is_divided_among_threads_that_have_room_for_a_strip():
    assert divide_memory(room_for(2_000, 6 * LANES), 2_000, 2) == (2, 3 * LANES)
    assert divide_memory(room_for(2_000, 4 * LANES - 1), 2_000, 8) == (3, LANES)
    assert divide_memory(2**60, 10_000, 2) == (2, WIDEST)
    assert divide_memory(2**60, 2_000, 2) == (2, 256), "four strips for each thread"
    assert divide_memory(2**60, 100, 2) == (2, LANES)
    assert divide_memory(2**60, 20, 2) == (2, 20)


def test_too_little_memory_says_how_much_would_do():
    with pytest.raises(
        ConfigError,
        match=rf"attention.memory is 100 bytes; .* needs at least {10_000 * 640 + 1024 * 256:,}. Raise attention",
    ):
        divide_memory(100, 10_000, 2)


def test_all_tokens_kept_is_the_same_as_no_choice():
    dense = count(markov_windows(10, 12, 20, seed=4), 20)
    whole, all_kept = pair_statistics(dense), pair_statistics(dense, np.ones(20, dtype=bool))
    assert whole.bigram.data.tobytes() == all_kept.bigram.data.tobytes()
    assert compose(dense).scores.tobytes() == compose(dense, np.ones(20, dtype=bool)).scores.tobytes()


@pytest.mark.parametrize("kept", [None, np.arange(100) % 3 > 0])
def test_composing_goes_on_from_any_block_to_the_same_bytes(kept):
    """What had been begun of the next block is written again."""
    statistics = pair_statistics(count(markov_windows(30, 20, 100, seed=4), 100), kept)
    states, scores = [], np.zeros(statistics.context.nnz)
    states_of = {"on_block": lambda done: states.append((done.copy(), scores.copy()))}
    whole = compose_scores(statistics, scores, room_for(100, LANES), threads=1, **states_of)
    assert [len(done) for done, _ in states] == [32, 64, 96, 100]
    for done, before in states:
        for begun in (before, np.where(before == 0, np.nan, before)):
            for width in (LANES, 2 * LANES, 4 * LANES):
                found = compose_scores(statistics, begun.copy(), room_for(100, width), threads=1, done=done.copy())
                assert found.scores.tobytes() == whole.scores.tobytes()
                assert found.without_row.tobytes() == whole.without_row.tobytes()
