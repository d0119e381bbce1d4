"""The shuffled corpus: the same tokens, in an order in which no test finds one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.corpus import Ragged, cut_windows
from leadterm.pipeline.shuffle_corpus.permutation import Permutation
from leadterm.pipeline.shuffle_corpus.shuffled_corpus import ShuffledCorpus

SEEDS = st.integers(0, 2**64 - 1)
DOCUMENTS = st.lists(st.lists(st.integers(0, 9), max_size=40), min_size=1, max_size=12)
BOUND = 5.0
"""Standard deviations. Seeds are fixed: a test that passes once passes always."""


def test_every_small_permutation_has_each_number_once():
    for n in range(1, 2001):
        assert (np.sort(Permutation(n, seed=n).apply(0, n)) == np.arange(n)).all()


@given(n=st.integers(2001, 300_000), seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_every_permutation_has_each_number_once(n, seed):
    assert (np.bincount(Permutation(n, seed).apply(0, n), minlength=n) == 1).all()


@given(n=st.integers(1, 2**62), seed=SEEDS, cuts=st.lists(st.integers(0, 300), max_size=5))
def test_parts_of_a_permutation_make_the_whole(n, seed, cuts):
    permutation, length = Permutation(n, seed), min(n, 300)
    places = [n - length, *sorted(n - length + min(cut, length) for cut in cuts), n]
    parts = [permutation.apply(start, stop) for start, stop in pairwise(places)]
    assert (np.concatenate(parts) == permutation.apply(n - length, n)).all()


@given(DOCUMENTS, st.integers(1, 12), st.sampled_from(["tile", "first"]), SEEDS, st.integers(0, 60))
@settings(deadline=None)
def test_windows_are_those_of_a_text_that_was_shuffled(documents, length, policy, seed, cut):
    """Shuffled here: every place of the text gets its token, and then windows are cut."""
    windows = cut_windows(Ragged.from_lists(documents), length, policy)
    if not len(windows):
        return
    shared, lengths = windows.window > 0, windows.tokens.lengths
    text = np.concatenate([row[int(is_shared) :] for row, is_shared in zip(windows.tokens, shared, strict=True)])
    counts = np.bincount(text, minlength=10)
    corpus = ShuffledCorpus(counts, seed)
    tokens = corpus.tokens(0, text.size)
    assert (np.bincount(tokens, minlength=10) == counts).all()

    sizes = [row.size for row in cut_documents(windows.document, windows.tokens, shared)]
    shuffled = Ragged(tokens, np.concatenate([[0], np.cumsum(sizes)]))
    expected = cut_windows(shuffled, length, policy).tokens.values
    assert (corpus.windows(lengths, shared, 0) == expected).all()

    cut = min(cut, len(windows))
    start = int(lengths[:cut].sum() - shared[:cut].sum())
    parts = corpus.windows(lengths[:cut], shared[:cut], 0), corpus.windows(lengths[cut:], shared[cut:], start)
    assert (np.concatenate(parts) == expected).all()


def cut_documents(document: np.ndarray, windows: Ragged, shared: np.ndarray) -> list[np.ndarray]:
    """Put the windows of each document together again."""
    rows = [row[int(is_shared) :] for row, is_shared in zip(windows, shared, strict=True)]
    return [
        np.concatenate([row for row, owner in zip(rows, document, strict=True) if owner == one])
        for one in dict.fromkeys(document.tolist())
    ]


def test_another_seed_gives_another_permutation():
    found = np.array([Permutation(1000, seed).apply(0, 1000) for seed in (0, 1, 2, 2**63, 2**64 - 1)])
    for i, j in pairwise(range(len(found))):
        assert (found[i] == found[j]).sum() <= 7  # Poisson of mean 1, which is 8 or more once in 100,000 times


@pytest.mark.parametrize("n", [40_000, 917_143])
@pytest.mark.parametrize("rows_apart", [0, 1])
def test_places_and_pairs_of_places_are_even(n, rows_apart):
    """Neighbours, and places a row of the network apart: there four rounds leave 13 standard deviations."""
    ranks = Permutation(n, seed=30).apply(0, n)
    lag = rows_apart * int(np.ceil(np.sqrt(n))) or 1
    first, second = ranks[:-lag], ranks[lag:]
    assert abs(chi_square_deviation(first[: n // 8], np.zeros_like(first[: n // 8]), n, 64, 1)) <= BOUND
    assert abs(chi_square_deviation(first, second, n, 64, 64)) <= BOUND
    near = n // 2000
    share = 1 - (1 - near / n) ** 2
    close = int((np.abs(first - second) < near).sum())
    assert abs(close - share * first.size) <= BOUND * np.sqrt(share * first.size)


def chi_square_deviation(first: np.ndarray, second: np.ndarray, n: int, rows: int, columns: int) -> float:
    """Compare the pairs in each cell with even ones, in standard deviations of chi-square: mean k, variance 2 k."""
    cells = np.bincount(first * rows // n * columns + second * columns // n, minlength=rows * columns)
    even = first.size / cells.size
    freedom = (rows - 1) * max(columns - 1, 1)
    return float((((cells - even) ** 2).sum() / even - freedom) / np.sqrt(2 * freedom))
