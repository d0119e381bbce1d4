"""Writes a run with the counting kernels and the store alone: the same products as the jobs', without Spark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from leadterm import Run, open_run
from leadterm.counting import SparseRows, Statistic, reciprocal_weights
from leadterm.storage import FileEntry, Location, Manifest, Staging, staging
from leadterm.storage.formats.matrix_files import PendingRows, matrix_file, matrix_schema
from leadterm.storage.formats.small_tables import (
    FREQUENCIES,
    TOKENIZER,
    VOCABULARY,
    frequency_table,
    stage_bytes,
    stage_table,
    vocabulary_table,
)
from leadterm.storage.formats.windows_files import SCHEMA, windows_file
from leadterm.storage.read_products import PARTS
from support.row_streams import count_to_rows


def write_run(
    folder: Path,
    windows: Sequence[Sequence[int]],
    tokens: Sequence[str],
    length: int,
    *,
    scale_bits: int = 32,
    kind: str = "words",
    tokenizer: str | None = None,
) -> Run:
    """Write windows, each the first of its document, and their counts; matrices in files of as many rows as fit 3.

    The vocabulary is one of a tokenizer of that kind, and keeps the text of its tokenizer.json if it is given.
    """
    size = len(tokens)
    counted = count_to_rows(windows, size, reciprocal_weights(length, scale_bits), size * size)
    with staging(Location.of(folder)) as stage:
        _write_windows(stage, windows, size, length)
        seen = Counter(token for window in windows for token in window)
        table = vocabulary_table(list(tokens), np.array([seen[i] for i in range(size)], dtype=np.int64))
        small = [stage_table(stage, VOCABULARY, table)]
        if tokenizer is not None:
            small.append(stage_bytes(stage, TOKENIZER, tokenizer.encode()))
        parts, entries = zip(*small, strict=True)
        settings = {"tokenizer": {"kind": kind}}
        stage.commit(Manifest("vocabulary", {}, settings, {"vocabulary_size": size}, entries), parts)
        for statistic, bits in ((Statistic.BIGRAM, 0), (Statistic.CONTEXT, scale_bits)):
            rows = next(rows for kind, rows in counted if kind == statistic)
            write_matrix(stage, statistic.name.lower(), rows, size, bits)
        vectors = {kind: np.zeros(size, dtype=np.int64) for kind in Statistic}
        for kind, rows in counted:
            if kind in (Statistic.CURRENT_FREQUENCY, Statistic.CONTEXT_FREQUENCY):
                vectors[kind][rows.columns] = rows.values
        table = frequency_table(vectors[Statistic.CURRENT_FREQUENCY], vectors[Statistic.CONTEXT_FREQUENCY])
        part, entry = stage_table(stage, FREQUENCIES, table)
        stage.commit(Manifest("frequencies", {}, {"scale_bits": scale_bits}, {}, (entry,)), [part])
    return open_run(folder)


def write_windows_file(place: Location, table: pa.Table) -> FileEntry:
    """Write a file of windows; returns its manifest entry."""
    with windows_file(place) as (file, sink):
        file.append(table)
    return FileEntry(place.name, sink.n_bytes, sink.sha256, file.details)


def _write_windows(stage: Staging, windows: Sequence[Sequence[int]], size: int, length: int) -> None:
    """Write all windows to one file."""
    place = stage.folder / PARTS / "windows-00000.parquet"
    columns = [
        pa.array(range(len(windows))),
        pa.array([0] * len(windows), pa.int32()),
        pa.array(windows, SCHEMA.types[2]),
    ]
    entry = write_windows_file(place, pa.table(columns, schema=SCHEMA))
    counts = {"vocabulary_size": size, "windows": len(windows), "positions": sum(map(len, windows)) - len(windows)}
    stage.commit(Manifest("windows", {}, {"windows": {"length": length}}, counts, (entry,)), [(place, entry.name)])


def write_matrix(stage: Staging, product: str, rows: SparseRows, size: int, scale_bits: int) -> None:
    """Write a matrix in three files of consecutive rows."""
    entries, parts = [], []
    for number, keys in enumerate(np.array_split(np.arange(size), 3)):
        first, last = np.searchsorted(rows.keys, [keys[0], keys[-1] + 1]) if len(keys) else (0, 0)
        place = stage.folder / PARTS / f"{product}-{number}"
        with matrix_file(place, matrix_schema(product, size, scale_bits), PendingRows(size)) as (file, sink):
            file.append(rows[first:last])
        entries.append(FileEntry(f"rows-{number:05d}.parquet", sink.n_bytes, sink.sha256, {"rows": file.n_rows}))
        parts.append((place, entries[-1].name))
    counts = {"vocabulary_size": size, "nonzeros": rows.n_nonzeros}
    stage.commit(Manifest(product, {}, {"scale_bits": scale_bits}, counts, tuple(entries)), parts)
