"""Bounds of sums and shares: against populations that are known."""

import numpy as np
import pytest

from leadterm.planner.ratio_estimator import ratio_estimate, share_estimate


@pytest.mark.parametrize(
    ("kind", "n"), [(kind, n) for kind in ("alike", "lognormal") for n in (4, 16, 64)] + [("some are empty", 64)]
)
def test_sums_lie_within_the_bounds(kind, n):
    """In 197 of 200 draws at least, as three standard errors would have it; of few parts the bounds are wider."""
    random = np.random.default_rng(1)
    weights = random.uniform(1, 2, 1000)
    noise = {"alike": 1.0, "lognormal": random.lognormal(0, 0.5, 1000), "some are empty": random.random(1000) < 0.8}
    parts = weights * noise[kind]
    missed = 0
    for _ in range(200):
        some = random.permutation(1000)[:n]
        found = ratio_estimate(parts[some], weights[some], weights.sum())
        missed += not found.low <= parts.sum() * (1 + 1e-9) <= found.high * (1 + 2e-9)
    assert missed <= 3


def test_all_parts_are_exact():
    assert ratio_estimate(np.array([2.0, 4.0]), np.array([1.0, 2.0]), 3.0).is_exact


def test_the_beginning_of_a_part_stands_for_all_of_it():
    """Of the second part, a tenth was read: it counts as much as if all of it had been."""
    found = ratio_estimate(np.array([10.0, 2.0]), np.array([10.0, 1.0]), 20.0, np.array([1.0, 10.0]))
    assert found.value == pytest.approx(20 * (10 + 20) / (10 + 10))
    assert not found.is_exact


def test_one_part_of_many_bounds_little():
    found = ratio_estimate(np.array([5.0]), np.array([1.0]), 10.0)
    assert (found.low, found.value, found.high) == (5, 50, 100)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999, 1.0])
def test_shares_lie_within_the_bounds_though_all_were_alike(share):
    random = np.random.default_rng(2)
    missed = 0
    for _ in range(300):
        found = share_estimate(int(random.binomial(200, share)), 200, 0.0)
        missed += not found.low <= share <= found.high + 1e-12
    assert missed <= 3


def test_where_nothing_was_seen_any_share_is_possible():
    found = share_estimate(0, 0, 0.5)
    assert (found.low, found.high) == (0, 1)
