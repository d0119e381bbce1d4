"""Which row groups of the windows have been counted: of all, each exactly once."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.errors import LeadtermError


@dataclass(frozen=True)
class Cover:
    """Some row groups of a windows product, numbered through its files in the order of the manifest.

    Attributes
    ----------
    spans
        First number and the one after the last of each run of consecutive ones, ascending.
    """

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Cover":
        """Take single row groups.

        Raises
        ------
        LeadtermError
            If one comes twice.

        Examples
        --------
        >>> Cover.of([7, 4, 5]).spans
        ((4, 6), (7, 8))
        """
        return cls.union([cls(((number, number + 1),)) for number in numbers])

    @classmethod
    def union(cls, covers: Iterable["Cover"]) -> "Cover":
        """Put covers together.

        Raises
        ------
        LeadtermError
            If two of them share a row group.
        """
        spans: list[tuple[int, int]] = []
        for first, stop in sorted(span for cover in covers for span in cover.spans):
            if spans and first < spans[-1][1]:
                raise LeadtermError(
                    f"consistency check failed: row group {first} of the windows was counted twice. Please report this."
                )
            if spans and first == spans[-1][1]:
                spans[-1] = spans[-1][0], stop
            else:
                spans.append((first, stop))
        return cls(tuple(spans))

    @classmethod
    def from_text(cls, text: str) -> "Cover":
        """Read back what :attr:`text` wrote.

        Raises
        ------
        ValueError
            If it is something else.
        """
        spans = [(int(first), int(last) + 1) for first, last in (part.split("-") for part in text.split(","))]
        if not spans or any(first < 0 or stop <= first for first, stop in spans):
            raise ValueError(f"{text!r} does not name row groups")
        return cls(tuple(spans))

    @property
    def text(self) -> str:
        """The numbers as text.

        Examples
        --------
        >>> Cover.of([7, 4, 5]).text
        '4-5,7-7'
        """
        return ",".join(f"{first}-{stop - 1}" for first, stop in self.spans)

    @property
    def name(self) -> str:
        """A short name, which no other cover has."""
        return f"sums-{hashlib.sha256(self.text.encode()).hexdigest()[:32]}"

    def __len__(self) -> int:
        return sum(stop - first for first, stop in self.spans)

    def require_all(self, n_groups: int) -> None:
        """Check that these are all row groups that there are.

        Raises
        ------
        LeadtermError
            If one is missing, or there are others.
        """
        if self.spans != (((0, n_groups),) if n_groups else ()):
            raise LeadtermError(
                f"consistency check failed: of {n_groups} row groups of the windows, those that were counted are "
                f"{self.text or 'none'}. Please report this."
            )


def disjoint(covers: Iterable[Cover], n_groups: int) -> tuple[list[Cover], NDArray[np.int64]]:
    """Choose covers that share no row group, the largest first.

    Parameters
    ----------
    covers
        To choose from.
    n_groups
        How many row groups there are; covers of others are left out.

    Returns
    -------
    chosen
        In the order of their row groups.
    rest
        int64: the row groups that none of them covers.
    """
    is_covered, chosen = np.zeros(n_groups, dtype=np.bool_), []
    for cover in sorted(set(covers), key=lambda cover: (-len(cover), cover.spans)):
        spans = [slice(first, stop) for first, stop in cover.spans]
        fits = cover.spans[0][0] >= 0 and cover.spans[-1][1] <= n_groups
        if fits and not any(is_covered[span].any() for span in spans):
            chosen.append(cover)
            for span in spans:
                is_covered[span] = True
    return sorted(chosen, key=lambda cover: cover.spans), np.flatnonzero(~is_covered)
