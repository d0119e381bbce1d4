"""Predictions of distinct pairs: against corpora whose growth is known, and against the rest of a real one."""

import numpy as np
import pytest

from leadterm.corpus import count_words, most_frequent, read_sample
from leadterm.planner.interval import Estimate
from leadterm.planner.pair_growth import nested_parts, predict_growth

SIZES = [1e3 * 2**k for k in range(5)]


def zipf(n_kinds: int) -> np.ndarray:
    weights = 1 / np.arange(1, n_kinds + 1)
    return weights / weights.sum()


def expected_kinds(shares: np.ndarray, draws: float) -> float:
    """How many kinds so many independent draws hold, on average: the definition."""
    return float(-np.expm1(draws * np.log1p(-shares)).sum())


@pytest.mark.parametrize("times", [3, 20, 100])
@pytest.mark.parametrize("n_kinds", [3_000, 100_000])
def test_draws_of_zipf_lie_within_the_bounds(n_kinds, times):
    shares = zipf(n_kinds)
    curve = [expected_kinds(shares, size) for size in SIZES]
    found = predict_growth(SIZES, curve, times * SIZES[-1], ceiling=n_kinds)
    truth = expected_kinds(shares, times * SIZES[-1])
    assert np.floor(found.low) <= truth <= np.ceil(found.high)
    assert abs(found.value / truth - 1) < 0.02, "of independent draws, which are more regular than a text"


@pytest.mark.parametrize(
    ("curve", "truth"),
    [
        ([17461.25, 31131.0, 54511.25, 93106.5, 154465.0], 1_018_839),
        ([508898.4375, 908860.375, 1594114.25, 2733030.5, 4561551.0], 30_723_941),
    ],
    ids=["bigram", "context"],
)
def test_pairs_of_a_twentieth_of_the_benchmark_foretell_all(curve, truth):
    """Counted in the benchmark's text of 11,585,788 positions, V = 49,152, and in 568,254 of them and their parts."""
    sizes = [568_254 / 2**k for k in (4, 3, 2, 1, 0)]
    found = predict_growth(sizes, curve, 11_585_788, ceiling=49_152.0**2)
    assert abs(found.value / truth - 1) < 0.04, "the other scales are wrong by more"
    assert 0.85 * truth < found.low < truth < found.high < 1.2 * truth


def test_a_power_law_is_carried_on():
    """Its exponent does not fall, so all scales agree: n^0.7, but for the 5 % of the bounds."""
    found = predict_growth(SIZES, [size**0.7 for size in SIZES], 50 * SIZES[-1])
    truth = (50 * SIZES[-1]) ** 0.7
    assert found.value == pytest.approx(truth, rel=1e-4)  # the exponent is integrated in 200 steps
    assert (found.low / truth, found.high / truth) == pytest.approx((0.95, 1.05), rel=1e-4)


def test_what_was_measured_is_read_from_the_curve():
    curve = [10.0, 18.0, 32.0, 55.0, 90.0]
    assert predict_growth(SIZES, curve, SIZES[-1]) == Estimate.exact(90.0)
    assert predict_growth(SIZES, curve, SIZES[1] * np.sqrt(2)).value == pytest.approx(np.sqrt(18 * 32))


@pytest.mark.parametrize("n_points", [1, 2, 3])
def test_few_points_give_a_prediction_all_the_same(n_points):
    found = predict_growth(SIZES[:n_points], [100.0, 170.0, 260.0][:n_points], 1e6, ceiling=5000)
    assert 0 < found.low <= found.value <= found.high <= 5000


def test_the_words_of_a_book_from_a_tenth_of_its_chapters():
    """A text whose words come in clusters; the tenth is drawn at random, as a plan draws documents."""
    texts = read_sample()["text"].to_pylist()
    order = np.random.default_rng(1).permutation(len(texts))
    books, seen = [texts[i] for i in order], set()
    drawn, sizes, curve = 0, [], []
    steps = [len(books) // 10 // 2**k for k in (4, 3, 2, 1, 0)]
    for number, text in enumerate(books[: steps[-1]], start=1):
        words = count_words([text])
        seen |= set(words)
        drawn += words.total()
        if number in steps:
            sizes.append(drawn)
            curve.append(len(seen))
    everything = count_words(texts)
    found = predict_growth(sizes, curve, everything.total())
    assert found.low <= len(most_frequent(everything, 10**6)) <= found.high
    assert abs(found.value / len(everything) - 1) < 0.15


def test_nested_parts_cover_the_sample_at_every_level():
    for level in nested_parts(16):
        assert [place for first, last in level for place in range(first, last)] == list(range(16))
    assert [len(level) for level in nested_parts(16)] == [16, 8, 4, 2, 1]
