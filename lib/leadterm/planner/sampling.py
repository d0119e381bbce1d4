"""Draws documents from all over a corpus, and says how large the corpus is: without reading it whole.

What is drawn is drawn by bytes, not by documents: a corpus of many short documents and a few long ones consists, to a
kernel that counts, of the long ones. So long documents are cut into pieces (:mod:`leadterm.planner.document_pieces`),
each of which is drawn as likely as any other. The last pieces of documents are then a fair sample of documents, all
pieces one of the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.config import CorpusSection, WindowsSection
from leadterm.errors import InputError
from leadterm.planner.document_pieces import Pieces, byte_lengths
from leadterm.planner.interval import Estimate
from leadterm.planner.ratio_estimator import ratio_estimate
from leadterm.planner.sample_blocks import READ_BYTES, Cluster, Clusters
from leadterm.planner.sample_json import json_clusters
from leadterm.planner.sample_parquet import parquet_clusters
from leadterm.reading import list_corpus
from leadterm.reading.delta import read_snapshot
from leadterm.storage.location import Location

FORMATS = ("parquet", "json", "delta")
"""Of which a sample can be drawn."""
OTHERS = 4
"""Times the sample's bytes of others, of which a vocabulary is made too: words chosen because they stand in the
sample are more frequent there than elsewhere."""
ROUGHLY = 0.03
"""What a file or column holds beside text, such as the least and the greatest value, is not evenly spread."""
MUCH = 0.05
"""Of what was looked at, in documents that were not read."""
UNEVEN = 3.0
"""Times as many documents as expected."""
BATCHES = 32
"""In which the sample comes, from whose differences its error is known."""
QUARTERS = 4
"""Of the sample, which come from clusters of their own where not all were read: documents of a cluster are alike."""


@dataclass(frozen=True)
class Drawn:
    """A sample of a corpus, and the corpus's size.

    Attributes
    ----------
    batches
        Of documents (document, continues), in random order, each about as many bytes. What ``continues`` is a piece of
        a document that does not end with it.
    others
        Batches of other documents, of which a vocabulary is made too.
    files, file_bytes
        Of the corpus.
    documents, text_bytes
        Of the corpus: how many, and bytes of UTF-8, or of ids at 8 bytes each.
    eligible, eligible_bytes
        The same of documents within the limits of ``corpus``, from which alone the sample comes.
    sample_documents, sample_bytes
        Of the sample.
    caveats
        Why the truth may lie outside the bounds.
    """

    batches: tuple[pa.RecordBatch, ...]
    others: tuple[pa.RecordBatch, ...]
    files: int
    file_bytes: int
    documents: Estimate
    text_bytes: Estimate
    eligible: Estimate
    eligible_bytes: Estimate
    sample_documents: int
    sample_bytes: int
    caveats: tuple[str, ...]

    @property
    def share(self) -> float:
        """What part of the corpus the sample is."""
        return min(1.0, self.sample_bytes / max(self.eligible_bytes.value, 1.0))


def draw(corpus: CorpusSection, windows: WindowsSection, n_bytes: int, seed: int) -> Drawn:
    """Draw documents of about so many bytes.

    Parameters
    ----------
    corpus
        Where they lie.
    windows
        Into which they will be cut; long documents are drawn in pieces of some windows.
    n_bytes
        At least one document is drawn, or a piece of one. A corpus of no more is taken whole.
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
    if not any(len(cluster.documents) for cluster in clusters.read):
        raise InputError(
            f"the corpus is empty: its {len(files)} files contain no rows. Check corpus.paths in the config."
        )
    suited = [_eligible(cluster, corpus) for cluster in clusters.read]
    sizes = _sizes(clusters, suited)
    if corpus.max_documents is not None and corpus.max_documents < sizes[0].value:
        share = corpus.max_documents / sizes[0].value
        _, text_bytes, eligible, eligible_bytes = (size * share for size in sizes)
        sizes = Estimate.exact(corpus.max_documents), text_bytes, eligible, eligible_bytes
    drawn = _Drawing(clusters, suited, windows, random)
    chosen, others = drawn.choose(n_bytes)
    lengths = byte_lengths(chosen.column(0))
    return Drawn(
        _batches(chosen, lengths), _batches(others, byte_lengths(others.column(0))), len(files), clusters.file_bytes,
        *sizes, drawn.n_documents, int(lengths.sum()), _caveats(clusters, sizes[0]),
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
            f"{found}: a plan samples only {', '.join(FORMATS)}. Write some of the rows to Parquet files "
            "and plan on these; the cost of a run grows with the rows."
        )
    if corpus.format == "delta":
        version = None if corpus.version is None else int(corpus.version)
        return [(file.place, file.size) for file in read_snapshot(Location.of(corpus.paths[0]), version).files]
    return list_corpus(corpus.paths).ordered()


def _eligible(cluster: Cluster, corpus: CorpusSection) -> NDArray[np.bool_]:
    """Say which documents of a cluster are within the limits, or not there at all, which is found out later."""
    documents = cluster.documents
    limits = corpus.min_characters, corpus.max_characters
    if pa.types.is_list(documents.type) or limits == (0, 2**63 - 1):
        return np.ones(len(documents), dtype=np.bool_)
    lengths = pc.fill_null(pc.utf8_length(documents), 0).to_numpy(zero_copy_only=False)
    suits: NDArray[np.bool_] = (lengths == 0) | ((lengths >= limits[0]) & (lengths <= limits[1]))
    return suits


def _sizes(clusters: Clusters, suited: Sequence[NDArray[np.bool_]]) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """Estimate documents and bytes of text, of all and of those within the limits, by the weights of what was read."""
    read, times = clusters.read, np.array([cluster.times for cluster in clusters.read])
    lengths = [byte_lengths(cluster.documents) for cluster in read]
    weights, extents = (np.array([getattr(one, name) for one in read]) for name in ("weight", "passed"))
    rows = np.array([len(some) for some in suited], dtype=float)
    good = np.array([some.sum() for some in suited], dtype=float)
    all_bytes = np.array([some.sum() for some in lengths], dtype=float)
    good_bytes = np.array([some[fits].sum() for some, fits in zip(lengths, suited, strict=True)], dtype=float)
    text, fitting = (ratio_estimate(parts, weights, clusters.weight, times) for parts in (all_bytes, good_bytes))
    if (times > 1).any():  # How much of a file or row group its beginning is, is known but roughly.
        text, fitting = (size * Estimate.within(1.0, ROUGHLY) for size in (text, fitting))
    passed = _passed_over(clusters) * clusters.weight
    text, fitting = (Estimate(size.low, size.value, size.high + passed) for size in (text, fitting))
    text, fitting = text.between(clusters.least_text, clusters.most_text), fitting.between(0, clusters.most_text)
    documents = clusters.documents
    if documents is None:
        documents, eligible = (ratio_estimate(parts, extents, clusters.weight, times) for parts in (rows, good))
    else:
        eligible = ratio_estimate(good, rows, documents.value, times)
        if not documents.is_exact:  # Files that were not opened differ in all.
            text, fitting, eligible = (
                size * (documents * (1 / documents.value)) for size in (text, fitting, eligible)
            )  # fmt: skip
    has_all = all(some.all() for some in suited)
    return (documents, text, documents, text) if has_all else (documents, text, eligible, fitting)


def _passed_over(clusters: Clusters) -> float:
    """Say what share of the bytes that were looked at lies in documents that begin elsewhere, and were not read."""
    found, looked_at = (sum(getattr(one, name) for one in clusters.read) for name in ("weight", "passed"))
    return max(0.0, 1 - found / looked_at) if clusters.seen < 1 else 0.0


def _caveats(clusters: Clusters, documents: Estimate) -> tuple[str, ...]:
    """Say what was not seen of a corpus, and no estimate can know."""
    found = []
    if documents.high > UNEVEN * documents.value:
        found.append("documents are so uneven that their number may well be outside the bounds")
    if cut := [one for one in clusters.read if one.times > 1]:
        share = sum(one.weight for one in cut) / sum(one.stands_for for one in cut)
        found.append(
            f"only the beginnings of {len(cut):,} files or row groups were read, {share:.2g} of them; if later "
            "documents are unlike the first ones, actual values may be outside the bounds"
        )
    if (passed := _passed_over(clusters)) > MUCH:
        found.append(
            f"{passed:.0%} of the bytes inspected belong to long documents that were not read; actual "
            "values may be outside the bounds"
        )
    return tuple(found)


class _Drawing:
    """Draws pieces of documents from the clusters that were read."""

    def __init__(
        self,
        clusters: Clusters,
        suited: Sequence[NDArray[np.bool_]],
        windows: WindowsSection,
        random: np.random.Generator,
    ) -> None:
        read, counts = clusters.read, [int(some.sum()) for some in suited]
        masks = list(map(pa.array, suited))
        self._documents = pa.concat_arrays([one.documents.filter(mask) for one, mask in zip(read, masks, strict=True)])
        self._cluster = np.repeat(np.arange(len(read)), counts)
        self._times = np.array([one.times for one in read])
        self._is_all, self._windows, self._random = clusters.seen >= 1, windows, random
        self.n_documents = 0

    def choose(self, n_bytes: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """Choose pieces of about so many bytes, in random order; and some others."""
        is_whole = self._is_all and int(byte_lengths(self._documents).sum()) <= n_bytes
        pieces = Pieces.whole(self._documents) if is_whole else Pieces.of_windows(self._documents, self._windows)
        # The smaller the key, the sooner it is drawn; one that stands for more is drawn sooner, as in Efraimidis and
        # Spirakis (2006).
        keys = self._random.exponential(size=len(pieces)) / self._times[self._cluster[pieces.rows]]
        order = np.argsort(keys, kind="stable")
        ends = np.cumsum(pieces.bytes[order])
        first, last = (int(np.searchsorted(ends, size)) + 1 for size in (n_bytes, (1 + OTHERS) * n_bytes))
        chosen = self._in_quarters(pieces, order[:first])
        self.n_documents = len(np.unique(pieces.rows[chosen]))
        return pieces.take(chosen), pieces.take(order[first:last])

    def _in_quarters(self, pieces: Pieces, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Order what was chosen so that quarters come from clusters of their own, unless all of them were read."""
        found = self._cluster[pieces.rows[chosen]]
        sizes = np.bincount(found, weights=pieces.bytes[chosen], minlength=len(self._times))
        if self._is_all or np.count_nonzero(sizes) < 2 * QUARTERS:
            return chosen
        clusters = self._random.permutation(len(sizes))
        ends = np.cumsum(sizes[clusters])
        quarter = np.empty(len(sizes))
        quarter[clusters] = QUARTERS * (ends - sizes[clusters] / 2) // max(1.0, ends[-1])
        return chosen[np.argsort(quarter[found], kind="stable")]


def _batches(chosen: pa.RecordBatch, lengths: NDArray[np.int64]) -> tuple[pa.RecordBatch, ...]:
    """Cut documents into batches of about as many bytes each."""
    ends = np.cumsum(lengths)
    targets = np.linspace(0, ends[-1] if len(ends) else 0, BATCHES + 1)[1:-1]
    bounds = np.unique([0, *np.minimum(np.searchsorted(ends, targets), len(chosen)), len(chosen)]).tolist()
    return tuple(chosen.slice(first, last - first) for first, last in pairwise(bounds))
