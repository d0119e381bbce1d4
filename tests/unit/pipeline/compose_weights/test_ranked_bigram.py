"""The bigram by rank and in blocks holds the same pairs."""

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from leadterm.pipeline.compose_weights.ranked_bigram import RankedBigram


@pytest.fixture
def bigram():
    return csr_array(random_array((50, 50), density=0.1, rng=np.random.default_rng(3)))


def test_next_tokens_are_ranked_by_how_many_current_tokens_they_follow(bigram):
    before = bigram.toarray()
    ranked = RankedBigram(bigram)
    followed = (before > 0).sum(axis=0)[ranked.by_rank]
    assert (np.diff(followed) <= 0).all()
    ties = np.diff(followed) == 0
    assert ties.any()
    assert (np.diff(ranked.by_rank)[ties] > 0).all(), "of two that follow as many, the lower id comes first"
    assert (bigram.toarray() == before).all(), "what it is made of stays as it was"


def test_rows_are_those_of_the_bigram_in_order_of_ranks(bigram):
    ranked = RankedBigram(bigram)
    for current in range(50):
        pairs = slice(*ranked.offsets[current : current + 2])
        assert (np.diff(ranked.ranks[pairs]) > 0).all()
        row = np.zeros(50)
        row[ranked.by_rank[ranked.ranks[pairs]]] = ranked.values[pairs]
        assert (row == bigram.toarray()[current]).all()


def test_blocks_hold_all_pairs_by_next_token(bigram, monkeypatch):
    monkeypatch.setattr("leadterm.pipeline.compose_weights.ranked_bigram.BLOCK", 7)
    ranked, found = RankedBigram(bigram), np.zeros((50, 50))
    assert [(block.first, block.last) for block in ranked.blocks] == [(k, min(k + 7, 50)) for k in range(0, 50, 7)]
    for block in ranked.blocks:
        assert (np.diff(block.ranks) > 0).all()
        assert (np.diff(block.offsets) > 0).all()
        for rank, first, last in zip(block.ranks, block.offsets[:-1], block.offsets[1:], strict=True):
            currents = block.currents[first:last]
            assert (np.diff(currents) > 0).all(), "sums over current tokens are in the order of their ids"
            found[block.first + currents, ranked.by_rank[rank]] += block.values[first:last]
    assert (found == bigram.toarray()).all()
