"""Row groups of Parquet files as clusters: footers say how large each is, some are read."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.planning.clusters import LEAST_CLUSTERS, Cluster, Clusters, cluster_of
from leadterm.planning.estimate import Estimate
from leadterm.spark.rules import rule_of
from leadterm.store.location import Location

MOST_FOOTERS = 200
"""Files that are opened; of the others only the length is known."""
ROWS_AT_ONCE = 256
"""While a row group is read, so that a part of it can be enough."""


@dataclass(frozen=True)
class Group:
    """A row group: where it lies, its rows, the uncompressed bytes of its column."""

    place: Location
    number: int
    rows: int
    weight: int
    column: tuple[str, ...]


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
    read, left = [], read_bytes
    for index in random.permutation(len(some)):
        if left <= 0:
            break
        read.append(_read(some[index], corpus, max(1, read_bytes // min(LEAST_CLUSTERS, len(some)))))
        left -= int(read[-1].weight)
    return Clusters(read, weight * scale, documents, file_bytes)


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
    try:
        column = rule_of(corpus).check(place).column or ()
    except InputError as error:
        raise InputError(f"{place.name}: {error}") from error
    with place.filesystem.open_input_file(place.path) as file:
        footer = pq.ParquetFile(file).metadata
        numbers = range(footer.num_row_groups)
        return [
            Group(place, number, footer.row_group(number).num_rows, _bytes(footer.row_group(number), column), column)
            for number in numbers
            if footer.row_group(number).num_rows
        ]


def _bytes(group: Any, column: tuple[str, ...]) -> int:
    """Say how large the column is in a row group, before compression; at least 1."""
    chunks = (group.column(i) for i in range(group.num_columns))
    name = ".".join(column)
    mine = (chunk for chunk in chunks if f"{chunk.path_in_schema}.".startswith(f"{name}."))
    return max(1, sum(int(chunk.total_uncompressed_size) for chunk in mine))


def _read(group: Group, corpus: CorpusSection, most_bytes: int) -> Cluster:
    """Read the documents of a row group, or the first part of them if it is larger."""
    kind = pa.list_(pa.int64()) if corpus.ids_column else pa.string()
    wanted = group.rows if group.weight <= most_bytes else max(1, group.rows * most_bytes // group.weight)
    parts: list[Any] = []
    with group.place.filesystem.open_input_file(group.place.path) as file:
        options = {"row_groups": [group.number], "columns": [".".join(group.column)], "use_threads": False}
        for batch in pq.ParquetFile(file).iter_batches(ROWS_AT_ONCE, **options):
            top = batch.column(group.column[0])
            leaf = reduce(pc.struct_field, group.column[1:], top)
            parts.append(leaf.cast(kind))
            if sum(map(len, parts)) >= wanted:
                break
    documents = pa.concat_arrays(parts)
    return cluster_of(documents, group.place.uri, group.weight * len(documents) / group.rows)
