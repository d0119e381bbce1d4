"""Draws documents from all over a corpus, and says how large the corpus is: without reading it whole."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.planning.clusters import READ_BYTES, Cluster, Clusters
from leadterm.planning.estimate import Estimate
from leadterm.planning.json_clusters import json_clusters
from leadterm.planning.parquet_clusters import parquet_clusters
from leadterm.reading import list_corpus
from leadterm.store.delta import read_snapshot
from leadterm.store.location import Location

FORMATS = ("parquet", "json", "delta")
"""Of which a sample can be drawn."""
SIGMAS = 3.0
"""Standard errors that a bound keeps from what is expected: 99 %, as they come from few parts."""
OTHERS = 4
"""Times the sample's bytes of others, of which a vocabulary is made too: words chosen because they stand in the
sample are more frequent there than elsewhere."""
BATCHES = 32
"""In which the sample comes, from whose differences its error is known."""


@dataclass(frozen=True)
class Drawn:
    """A sample of a corpus, and the corpus's size.

    Attributes
    ----------
    batches
        Of documents, in random order, each about as many bytes.
    others
        Batches of other documents, of which a vocabulary is made too.
    files, file_bytes
        Of the corpus.
    documents, text_bytes
        Of the corpus: how many, and bytes of UTF-8, or of ids at 8 bytes each.
    sample_documents, sample_bytes
        The same of the sample.
    """

    batches: tuple[pa.RecordBatch, ...]
    others: tuple[pa.RecordBatch, ...]
    files: int
    file_bytes: int
    documents: Estimate
    text_bytes: Estimate
    sample_documents: int
    sample_bytes: int

    @property
    def share(self) -> float:
        """What part of the corpus the sample is."""
        return min(1.0, self.sample_bytes / max(self.text_bytes.value, 1.0))


def draw(corpus: CorpusSection, n_bytes: int, seed: int) -> Drawn:
    """Draw documents of about so many bytes.

    Parameters
    ----------
    corpus
        Where they lie.
    n_bytes
        At least one document is drawn. A corpus of no more is taken whole.
    seed
        Of the choice.

    Raises
    ------
    InputError
        If a path is missing, a file is broken or has no such column, or all are empty; names it.
    """
    files, random = _files(corpus), np.random.default_rng(seed)
    find = json_clusters if corpus.format == "json" else parquet_clusters
    clusters = find(files, corpus, random, max(READ_BYTES, n_bytes))
    read = [cluster for cluster in clusters.read if len(cluster.documents)]
    if not read:
        raise InputError(f"the corpus is empty: its {len(files)} files hold no row. Check corpus.paths in the config.")
    documents, text_bytes = _size(clusters, read)
    if corpus.max_documents is not None and corpus.max_documents < documents.value:
        text_bytes *= corpus.max_documents / documents.value
        documents = Estimate.exact(corpus.max_documents)
    chosen, others = _choose(read, n_bytes, random)
    batches, total = _batches(chosen), int(byte_lengths(chosen.column(0)).sum())
    return Drawn(
        batches, _batches(others), len(files), clusters.file_bytes, documents, text_bytes, len(chosen), total
    )  # fmt: skip


def _files(corpus: CorpusSection) -> list[tuple[Location, int]]:
    """List the files of a corpus, with their lengths.

    Raises
    ------
    InputError
        If it consists of other things than files of Parquet or JSON lines.
    """
    if corpus.table is not None or corpus.format not in FORMATS:
        found = f"corpus.format is '{corpus.format}'" if corpus.table is None else f"corpus.table is '{corpus.table}'"
        raise InputError(
            f"{found}: a plan draws its sample from {', '.join(FORMATS)} only. Write some of the rows to Parquet files "
            "and plan on these: what a run takes grows with the rows."
        )
    if corpus.format == "delta":
        version = None if corpus.version is None else int(corpus.version)
        return [(file.place, file.size) for file in read_snapshot(Location.of(corpus.paths[0]), version).files]
    return list_corpus(corpus.paths).ordered()


def _batches(chosen: pa.RecordBatch) -> tuple[pa.RecordBatch, ...]:
    """Cut documents into batches of about as many bytes each."""
    ends = np.cumsum(byte_lengths(chosen.column(0)))
    targets = np.linspace(0, ends[-1] if len(ends) else 0, BATCHES + 1)[1:-1]
    bounds = np.unique([0, *np.minimum(np.searchsorted(ends, targets), len(chosen)), len(chosen)]).tolist()
    return tuple(chosen.slice(first, last - first) for first, last in pairwise(bounds))


def byte_lengths(documents: Any) -> Any:
    """Say how long each document is: bytes of UTF-8, or of ids at 8 bytes each; 0 where there is none."""
    is_list = pa.types.is_list(documents.type)
    lengths = pc.list_value_length(documents) if is_list else pc.binary_length(documents)
    return pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64) * (8 if is_list else 1)


def _size(clusters: Clusters, read: list[Cluster]) -> tuple[Estimate, Estimate]:
    """Estimate how many documents there are and how long they are together, by the weights of what was read."""
    weights = np.array([cluster.weight for cluster in read])
    lengths = np.array([byte_lengths(cluster.documents).sum() for cluster in read], dtype=float)
    text_bytes = ratio_estimate(lengths, weights, clusters.weight)
    if clusters.documents is not None:
        found = clusters.documents
        if not found.is_exact:  # Files that were not opened differ in both.
            text_bytes *= found * (1 / found.value)
        return found, text_bytes
    rows = np.array([len(cluster.documents) for cluster in read], dtype=float)
    return ratio_estimate(rows, weights, clusters.weight), text_bytes


def ratio_estimate(parts: Any, weights: Any, weight: float) -> Estimate:
    """Estimate a sum over a population from some of its parts: their ratio to weights whose sum is known.

    Examples
    --------
    >>> ratio_estimate(np.array([2.0, 4.0]), np.array([1.0, 2.0]), 30.0).value
    60.0
    """
    found, seen = parts.sum(), weights.sum()
    expected = found / seen * weight
    left = max(0.0, 1 - seen / weight)
    if left < 1e-9:
        return Estimate.exact(expected)
    n = len(parts)
    if n < 2 or not found:
        return Estimate(float(found), float(expected), float(2 * expected))
    error = np.sqrt(n / (n - 1) * ((parts - found / seen * weights) ** 2).sum() * left) / found
    return Estimate.within(expected, SIGMAS * float(error))


def _choose(read: list[Cluster], n_bytes: int, random: np.random.Generator) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Choose documents of about so many bytes among those that were read, in random order; and some others."""
    batch = pa.RecordBatch.from_arrays([pa.concat_arrays([one.documents for one in read])], names=["document"])
    order = random.permutation(len(batch))
    ends = np.cumsum(byte_lengths(batch.column(0))[order])
    first, last = (int(np.searchsorted(ends, size)) + 1 for size in (n_bytes, (1 + OTHERS) * n_bytes))
    return batch.take(pa.array(order[:first])), batch.take(pa.array(order[first:last]))


def with_bytes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Give each batch with its bytes."""
    for batch in batches:
        yield batch, int(byte_lengths(batch.column(0)).sum())
