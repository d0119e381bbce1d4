"""The parts of a corpus that are read whole: row groups of Parquet, pieces of JSON files."""

from dataclasses import dataclass
from typing import Any

from leadterm.planning.estimate import Estimate

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
    """

    documents: Any
    weight: float


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
    """

    read: list[Cluster]
    weight: float
    documents: Estimate | None
    file_bytes: int
