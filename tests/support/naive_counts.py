"""All counts by their definition: one Python loop over positions, in integers or fractions of any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

from scipy.sparse import coo_array, sparray


@dataclass(frozen=True)
class NaiveCounts:
    """What one pass over all positions gives; what is not there is 0."""

    bigram: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(current, next): positions."""
    context: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(next, context): sum of weights."""
    current_frequency: Counter[int] = field(default_factory=Counter)
    context_frequency: Counter[int] = field(default_factory=Counter)

    @property
    def n_positions(self) -> int:
        return self.current_frequency.total()


def count_windows(windows: Iterable[Sequence[int]], weight: Callable[[int], Any]) -> NaiveCounts:
    """Visit every position t of every window; its context tokens weigh ``weight(t)`` each."""
    counts = NaiveCounts()
    for window in windows:
        for t in range(1, len(window)):
            current, following, share = window[t - 1], window[t], weight(t)
            counts.bigram[current, following] += 1
            counts.current_frequency[current] += 1
            for token in window[:t]:
                counts.context[following, token] += share
                counts.context_frequency[token] += share
    return counts


def rational(t: int) -> Fraction:
    """Return the weight of the definition."""
    return Fraction(1, t)


def fixed_point(scale_bits: int) -> Callable[[int], int]:
    """Return the weight that is stored: the integer nearest to 2^scale_bits / t."""
    return cache(lambda t: round(Fraction(2**scale_bits, t)))


def entries(matrix: sparray) -> dict[tuple[int, int], int]:
    """Return what a sparse matrix holds as {(row, column): value}; a place that is stored twice is an error."""
    found = coo_array(matrix)
    rows, columns = (part.tolist() for part in found.coords)
    result = dict(zip(zip(rows, columns, strict=True), found.data.tolist(), strict=True))
    assert len(result) == len(rows)
    return result


def dense_entries(vector: Sequence[int]) -> dict[int, int]:
    """Return the nonzeros of a vector as {index: value}."""
    return {index: value for index, value in enumerate(vector) if value}


def same_exactly(found: Mapping[Any, int], expected: Mapping[Any, int]) -> bool:
    """Say whether two sets of nonzeros are equal; where not, print a few differences."""
    if found == dict(expected):
        return True
    places = [place for place in {*found, *expected} if found.get(place) != expected.get(place)]
    print({place: (found.get(place), expected.get(place)) for place in sorted(places)[:5]}, len(places))
    return False
