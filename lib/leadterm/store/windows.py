"""Windows on disk: ``document int64, window int32, tokens list<int32>`` in a fixed number of files.

A window lies in the file that its document's content hash names, sorted by that hash: the files do not depend on how
the corpus was divided into files or partitions. Documents of equal tokens share a hash and are all kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.store.location import Location
from leadterm.store.manifest import Manifest
from leadterm.store.parquet import GroupedWriter, grouped_parquet
from leadterm.store.products import read_verified

SCHEMA = pa.schema(
    [
        pa.field("document", pa.int64(), nullable=False),
        pa.field("window", pa.int32(), nullable=False),
        pa.field("tokens", pa.list_(pa.int32()), nullable=False),
    ]
)
"""``document``: content hash of the window's document; ``window``: its place in the document, from 0."""


ROW_GROUP_TOKENS = 2**18
"""Tokens of a row group: 1 MB, the least that a counting task reads at once."""


@contextmanager
def windows_file(place: Location) -> Iterator[tuple[GroupedWriter, "pa.NativeFile"]]:
    """Open a windows file for writing; it is whole after the block, and gone if the block raises."""
    with grouped_parquet(place, SCHEMA, "tokens", ROW_GROUP_TOKENS) as opened:
        yield opened


def read_windows(run: Location, manifest: Manifest) -> Iterator[NDArray[np.int32]]:
    """Give every window as an int32 array of 2 ... T+1 ids, a row group in memory at a time."""
    for entry in manifest.files:
        file = pq.ParquetFile(pa.BufferReader(read_verified(run, manifest.product, entry)))
        for group in range(file.num_row_groups):
            for chunk in file.read_row_group(group, columns=["tokens"])["tokens"].chunks:
                yield from np.split(
                    chunk.flatten().to_numpy(), chunk.offsets.to_numpy()[1:-1] - chunk.offsets[0].as_py()
                )


def open_windows(place: Location) -> pq.ParquetFile:
    """Open a windows file for reading, whose pages are compared with their checksums."""
    return pq.ParquetFile(place.filesystem.open_input_file(place.path), page_checksum_verification=True)


def read_row_groups(
    folder: Location, groups: Sequence[tuple[str, int, int]]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Read some row groups of a windows product end to end.

    Parameters
    ----------
    folder
        Of the product.
    groups
        File name, row group and number of tokens of each.

    Returns
    -------
    tokens, offsets
        int32 (tokens,) and int64 (windows + 1,).
    """
    tokens = np.empty(sum(n_tokens for _, _, n_tokens in groups), dtype=np.int32)
    lengths, filled = [np.zeros(1, dtype=np.int64)], 0
    opened: tuple[str, pq.ParquetFile] | None = None
    for name, group, n_tokens in groups:
        if opened is None or opened[0] != name:
            opened = name, open_windows(folder / name)
        lists = opened[1].read_row_group(group, columns=["tokens"])["tokens"].combine_chunks()
        tokens[filled : filled + n_tokens] = lists.flatten().to_numpy()
        lengths.append(pa.compute.list_value_length(lists).to_numpy().astype(np.int64))
        filled += n_tokens
    return tokens, np.cumsum(np.concatenate(lengths))
