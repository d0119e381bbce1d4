"""What the shuffled corpus says of its input, and that its numbers are those of another implementation."""

import math

import numpy as np
import pytest

from leadterm.errors import InputError
from leadterm.pipeline.shuffle_corpus.permutation import ROUNDS, Permutation
from leadterm.pipeline.shuffle_corpus.shuffled_corpus import ShuffledCorpus

WORD = 2**64 - 1


def split_mix(state: int) -> int:
    """Return the output of SplitMix64 for a state, in Python's integers."""
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & WORD
    return state ^ (state >> 31)


def naive_image(number: int, n: int, seed: int) -> int:
    """Walk the network for one number, in Python's integers."""
    golden = 0x9E3779B97F4A7C15
    start = split_mix((seed + golden) & WORD)
    keys = [split_mix((start + i * golden) & WORD) for i in range(1, ROUNDS + 1)]
    width = math.ceil(math.sqrt(n))
    height = math.ceil(n / width)
    while True:
        halves, sizes = [*divmod(number, width)], (height, width)
        for i, key in enumerate(keys):
            word = split_mix((key + halves[1 - i % 2]) & WORD) >> 32
            halves[i % 2] = (halves[i % 2] + word * sizes[i % 2] // 2**32) % sizes[i % 2]
        number = halves[0] * width + halves[1]
        if number < n:
            return number


@pytest.mark.parametrize(("n", "seed"), [(1, 0), (2, 3), (10, 1), (12_345, 2**64 - 1), (10**12, 5)])
def test_the_network_equals_the_loop_in_whole_numbers(n, seed):
    found = Permutation(n, seed).apply(n // 2, min(n // 2 + 50, n))
    assert found.tolist() == [naive_image(number, n, seed) for number in range(n // 2, min(n // 2 + 50, n))]


def test_the_largest_permutation_stays_within_its_range():
    found = Permutation(2**62, 1).apply(2**62 - 1000, 2**62)
    assert found.dtype == np.int64
    assert found.min() >= 0 and found.max() < 2**62
    assert len(set(found.tolist())) == 1000


def test_types_and_numbers_of_tokens():
    corpus = ShuffledCorpus(np.array([0, 5, 0, 2, 0]), seed=3)
    tokens = corpus.tokens(0, 7)
    assert tokens.dtype == np.int32
    assert np.bincount(tokens, minlength=5).tolist() == [0, 5, 0, 2, 0]
    assert corpus.vocabulary_size == 5
    assert corpus.windows(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_), 3).size == 0


@pytest.mark.parametrize(
    ("n", "seed", "reason"),
    [
        (0, 0, r"1 to 2\^62 numbers; found 0. Shuffle a corpus that has tokens"),
        (2**62 + 1, 0, "found 4611686018427387905"),
        (5, -1, r"seed of a permutation is 0 to 2\^64 - 1; found -1. Choose another one"),
        (5, 2**64, "found 18446744073709551616"),
    ],
)
def test_what_is_no_permutation(n, seed, reason):
    with pytest.raises(InputError, match=reason):
        Permutation(n, seed)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 6)])
def test_a_part_that_is_not_there(start, stop):
    with pytest.raises(InputError, match=f"There is no part {start} to {stop} of a permutation of 5 numbers"):
        Permutation(5, 0).apply(start, stop)


@pytest.mark.parametrize(("counts", "found"), [([3, -1], "-1"), ([], "none at all")])
def test_counts_that_are_none(counts, found):
    with pytest.raises(InputError, match=f"Counts of tokens are 0 or more; found {found}"):
        ShuffledCorpus(np.array(counts, dtype=np.int64), 0)
