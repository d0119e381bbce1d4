"""The parts of a corpus that are read whole: row groups of Parquet, pieces of JSON files."""

from dataclasses import dataclass
from typing import Any

from leadterm.planner.interval import Estimate

READ_BYTES = 128 * 2**20
"""Of the column, uncompressed, that are read at most; documents are chosen among them."""
LEAST_CLUSTERS = 16
"""That are read at least where there are so many; of larger ones the first part."""


@dataclass(frozen=True)
class Cluster:
    """Documents that lie together.

    Attributes
    ----------
    documents
        string or list<int64>.
    weight
        What part of the corpus's weight they are.
    stands_for
        The weight of what they are the beginning of, where the rest was not read; else 0.
    extent
        The weight that was passed over to find them: documents that began elsewhere lie in it too. None: their own.
    """

    documents: Any
    weight: float
    stands_for: float = 0.0
    extent: float | None = None

    @property
    def times(self) -> float:
        """How many times as much they stand for as was read of it."""
        return max(1.0, self.stands_for / self.weight) if self.weight else 1.0

    @property
    def passed(self) -> float:
        """The weight that was passed over to find them."""
        return self.weight if self.extent is None else self.extent


@dataclass(frozen=True)
class Clusters:
    """What was read of a corpus, and what is known of the rest.

    Attributes
    ----------
    read
        Some clusters, chosen at random.
    weight
        Of the whole corpus: something that is known without reading it, such as bytes of files.
    documents
        Of the corpus; None if its format does not say.
    file_bytes
        Of its files.
    least_text, most_text
        Bytes between which the text of the corpus is known to lie.
    """

    read: list[Cluster]
    weight: float
    documents: Estimate | None
    file_bytes: int
    least_text: float = 0.0
    most_text: float = float("inf")

    @property
    def seen(self) -> float:
        """What share of the weight was read."""
        return sum(cluster.weight for cluster in self.read) / self.weight if self.weight else 1.0
