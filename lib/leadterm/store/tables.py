"""The small tables of a run: its vocabulary, its frequency vectors and its list of source files."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.store.location import Location
from leadterm.store.manifest import FileEntry, Manifest
from leadterm.store.parquet import table_bytes
from leadterm.store.products import read_verified
from leadterm.store.stages import Staging

VOCABULARY = "vocabulary.parquet"
FREQUENCIES = "frequencies.parquet"
SOURCES = "sources.parquet"
POSITION = "position.parquet"
TOKENIZER = "tokenizer.json"


def vocabulary_table(tokens: list[str], counts: NDArray[np.int64]) -> pa.Table:
    """Lay out a vocabulary: token_id int32, token string, count int64, one row per id in order."""
    ids = np.arange(len(tokens), dtype=np.int32)
    return pa.table({"token_id": ids, "token": pa.array(tokens, pa.string()), "count": counts})


def frequency_table(current: NDArray[np.int64], context: NDArray[np.int64]) -> pa.Table:
    """Lay out both frequency vectors: token_id int32, current int64 (counts), context int64 (fixed point)."""
    return pa.table({"token_id": np.arange(len(current), dtype=np.int32), "current": current, "context": context})


def position_table(bias: NDArray[np.float64]) -> pa.Table:
    """Lay out the position bias: distance int32 (query minus key, from 0), bias double."""
    return pa.table({"distance": np.arange(len(bias), dtype=np.int32), "bias": bias})


def stage_bytes(staging: Staging, name: str, data: bytes) -> tuple[tuple[Location, str], FileEntry]:
    """Write a small file into the staging folder: its place and name for the commit, and its manifest entry."""
    place = staging.folder / "small" / name
    place.write_bytes(data)
    return (place, name), FileEntry(name, len(data), hashlib.sha256(data).hexdigest())


def stage_table(staging: Staging, name: str, table: pa.Table) -> tuple[tuple[Location, str], FileEntry]:
    """Write a small table into the staging folder as Parquet; see :func:`stage_bytes`."""
    return stage_bytes(staging, name, table_bytes(table))


def read_table(run: Location, manifest: Manifest, name: str) -> pa.Table:
    """Read a small table of a product, checking its hash."""
    entry = next(entry for entry in manifest.files if entry.name == name)
    return pq.read_table(pa.BufferReader(read_verified(run, manifest.product, entry)))
