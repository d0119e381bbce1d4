"""Row groups of Parquet files as clusters: footers say how large each is, some are read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.planner.document_pieces import byte_lengths
from leadterm.planner.interval import Estimate
from leadterm.planner.sample_blocks import LEAST_CLUSTERS, Cluster, Clusters
from leadterm.reading import ParquetRule, Split, read_documents, rule_of
from leadterm.reading.format_checks import Found
from leadterm.reading.parquet_documents import leaves_of
from leadterm.storage.location import Location

MOST_FOOTERS = 200
"""Files that are opened; of the others only the length is known."""
PLAIN, FRAME = 0.9, 1000
"""What part of a column's bytes before compression is text, at least, and what else a row group may hold: a column is
never larger than its values, one after the other."""
REPEATED = 1.5
"""Times a column's bytes: if its rows hold so much more text, it is stored by reference to a dictionary."""
LEAST_ROWS = 256
"""That are read of a row group, so that documents which differ in length even out."""


@dataclass(frozen=True)
class Group:
    """A row group: where it lies, its rows, the uncompressed bytes of its column, and how it is read."""

    place: Location
    number: int
    rows: int
    weight: int
    part: dict[str, int]


def parquet_clusters(
    files: list[tuple[Location, int]], corpus: CorpusSection, random: np.random.Generator, read_bytes: int
) -> Clusters:
    """Look at the footers, and read some row groups.

    Raises
    ------
    InputError
        Names the file that is broken or has no such column.
    """
    some, opened = _open_first(files, corpus) if corpus.max_documents else _open_some(files, corpus, random)
    file_bytes = sum(size for _, size in files)
    scale = 1.0 if corpus.max_documents else file_bytes / max(1, opened)
    rows, weight = sum(group.rows for group in some), sum(group.weight for group in some)
    documents = Estimate.exact(rows) if scale == 1.0 else Estimate.within(rows * scale, 1 / np.sqrt(MOST_FOOTERS))
    read: list[Cluster] = []
    left = read_bytes
    for index in random.permutation(len(some)):
        if left <= 0 and len(read) >= LEAST_CLUSTERS:
            break
        read.append(_read(some[index], corpus, max(1, read_bytes // min(LEAST_CLUSTERS, len(some)))))
        left -= int(read[-1].weight)
    # Lengths of texts take 4 bytes, and levels an eighth of one; those of lists up to three for each id.
    least = max(0.0, PLAIN * (weight - 5 * rows) - FRAME * len(some)) if scale == 1.0 else 0.0
    most = np.inf if _is_repeated(read) else REPEATED * weight * scale
    return Clusters(_weighed(read), weight * scale, documents, file_bytes, least, most)


def _open_some(
    files: list[tuple[Location, int]], corpus: CorpusSection, random: np.random.Generator
) -> tuple[list[Group], int]:
    """List the row groups of files, of all if there are not too many; and say how many bytes these have."""
    chosen = [files[i] for i in sorted(random.permutation(len(files))[:MOST_FOOTERS])]
    groups = [group for place, _ in chosen for group in _groups(place, corpus)]
    return groups, sum(size for _, size in chosen)


def _open_first(files: list[tuple[Location, int]], corpus: CorpusSection) -> tuple[list[Group], int]:
    """List the row groups that hold the first documents."""
    groups: list[Group] = []
    opened, rows = 0, 0
    for place, size in files:
        for group in _groups(place, corpus):
            if rows < (corpus.max_documents or 0):
                groups.append(group)
                rows += group.rows
        opened += size
        if rows >= (corpus.max_documents or 0):
            break
    return groups, opened


def _groups(place: Location, corpus: CorpusSection) -> list[Group]:
    """List the row groups of a file that have rows."""
    rule = rule_of(corpus)
    try:
        found = rule.look(place) if isinstance(rule, ParquetRule) else Found()
    except InputError as error:
        raise InputError(f"{place.name}: {error}") from error
    with place.filesystem.open_input_file(place.path) as file:
        footer = pq.ParquetFile(file).metadata
        leaves = leaves_of(footer.schema, found.column or ())
        return [
            Group(place, part["start"], part["records"], _bytes(footer.row_group(part["start"]), leaves), part)
            for part in found.parts
        ]


def _bytes(group: Any, leaves: Sequence[int]) -> int:
    """Say how large the column is in a row group, before compression; at least 1."""
    return max(1, sum(int(group.column(leaf).total_uncompressed_size) for leaf in leaves))


def _read(group: Group, corpus: CorpusSection, most_bytes: int) -> Cluster:
    """Read the documents of a row group, or the first part of them if it is larger."""
    wanted = group.rows
    if group.weight > most_bytes:
        fitting = max(1, group.rows * most_bytes // group.weight)
        wanted = max(fitting, min(LEAST_ROWS, 4 * fitting))
    split = Split(0, group.place.uri, **group.part, most=min(wanted, group.rows), keep=None)
    parts = [batch.column(0) for batch in read_documents([split], rule_of(corpus))]
    documents = pa.concat_arrays(parts).cast(pa.list_(pa.int64()) if corpus.ids_column else pa.string())
    return Cluster(documents, group.weight * len(documents) / group.rows, stands_for=group.weight)


def _plain_bytes(cluster: Cluster) -> float:
    """Say how large documents are in a column that holds one after the other."""
    return float(byte_lengths(cluster.documents).sum()) + 4 * len(cluster.documents)


def _is_repeated(read: Sequence[Cluster]) -> bool:
    """Say whether the rows that were read hold more than their column: then texts that come again are stored once."""
    found = sum(_plain_bytes(one) * one.times for one in read)
    return found > REPEATED * sum(one.stands_for for one in read)


def _weighed(read: list[Cluster]) -> list[Cluster]:
    """Weigh what is the beginning of a row group by its bytes.

    By its rows it would weigh too much if long documents are yet to come. Where texts are stored once that come again,
    rows are all there is to go by.
    """
    if _is_repeated(read):
        return read
    weights = [min(one.stands_for, _plain_bytes(one)) if one.times > 1 else one.weight for one in read]
    return [replace(one, weight=max(1.0, weight)) for one, weight in zip(read, weights, strict=True)]
