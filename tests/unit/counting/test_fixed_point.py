import re
from fractions import Fraction

import numpy as np
import pytest

from leadterm.counting import check_no_overflow, reciprocal_weights
from leadterm.errors import CountOverflowError

INT64_MAX = 2**63 - 1


@pytest.mark.parametrize("bits", [8, 32, 40])
def test_weights_are_the_nearest_integers(bits):
    weights = reciprocal_weights(700, bits)
    assert weights.dtype == np.int64
    for t, weight in enumerate(weights.tolist(), start=1):
        assert abs(weight - Fraction(2**bits, t)) <= Fraction(1, 2)


def test_the_longest_window_at_every_scale():
    t = 65_536
    for bits in range(17, 41):  # below, 1/t is less than half a unit: it may round to 0
        weight = int(reciprocal_weights(t, bits)[-1])
        assert abs(Fraction(weight * t, 2**bits) - 1) <= Fraction(t, 2 ** (bits + 1))


def test_what_fits_passes_and_one_more_does_not():
    heaviest = int(reciprocal_weights(128, 32).sum())
    check_no_overflow(INT64_MAX // heaviest, 128, 32)
    with pytest.raises(CountOverflowError):
        check_no_overflow(INT64_MAX // heaviest + 1, 128, 32)


@pytest.mark.parametrize("length", [1, 128, 65_536])
@pytest.mark.parametrize("occurrences", [10**10, 10**12, 10**14])
def test_the_scale_that_is_suggested_is_the_largest_that_passes(length, occurrences):
    with pytest.raises(CountOverflowError, match=rf"occurs {occurrences:,} times") as caught:
        check_no_overflow(occurrences, length, 40)
    suggested = int(re.search(r"Set counting.scale_bits to (\d+) or less", str(caught.value)).group(1))
    check_no_overflow(occurrences, length, suggested)
    with pytest.raises(CountOverflowError):
        check_no_overflow(occurrences, length, suggested + 1)
    precision = float(re.search(r"relative precision of ([\d.e+-]+)\)", str(caught.value)).group(1))
    assert precision == pytest.approx(length / 2 ** (suggested + 1), rel=0.05)  # two digits are shown
