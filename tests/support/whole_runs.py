"""A run that holds every product of the jobs, each made from those that are there, without Spark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm import Run, open_run
from leadterm.counting import SparseRows
from leadterm.storage import FileEntry, Location, Manifest, Staging, staging
from leadterm.storage.formats.documents_table import SCHEMA as DOCUMENTS
from leadterm.storage.formats.documents_table import documents_file
from leadterm.storage.formats.matrix_files import Average, PendingRows, matrix_file, matrix_schema
from leadterm.storage.formats.score_file import SCORES, map_scores, margins_table, write_scores
from leadterm.storage.formats.small_tables import MARGINS, POSITION, SOURCES, position_table, read_table, stage_table
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.read_products import PARTS, write_manifest
from support.report_cases import LENGTH, TOKENS, add_scores, small_run

SIZE = len(TOKENS)
HOSTILE_PATH = "file:///data/a`b\n<img src=x onerror=alert(1)>|c.parquet"
DROPPED = {"null": 0, "too_few_tokens": 2}
SOURCES_SCHEMA = pa.schema(
    {
        "path": pa.string(),
        "bytes": pa.int64(),
        "sha256": pa.string(),
        "modified": pa.int64(),
        "rows": pa.int64(),
        "version": pa.string(),
    }
)


def whole_run(folder: Path) -> Run:
    """Write the run."""
    run = small_run(folder)
    _fit(run, "vocabulary", {"corpus": "c" * 64})
    counts = {"documents": 42, "kept": 40, "dropped": DROPPED, "tokens": 1000}
    _fit(run, "windows", {"corpus": "c" * 64}, counts=counts)
    for name in ("bigram", "context", "frequencies"):
        _fit(run, name, {"windows": run.manifest("windows").content_hash})
    with staging(run.location) as stage:
        _write_composed(stage, run)
        _write_attention(stage, run)
        row = {"path": HOSTILE_PATH, "bytes": 7, "sha256": "d" * 64, "modified": None, "rows": 42}
        part, entry = stage_table(stage, SOURCES, pa.Table.from_pylist([row], SOURCES_SCHEMA))
        stage.commit(Manifest("sources", {"corpus": "c" * 64}, {}, {"files": 1}, (entry,)), [part])
        _write_documents(stage)
    add_scores(run, "model", (0, 1))
    return open_run(folder)


def _write_documents(stage: Staging) -> None:
    """Write where three documents come from, of one of which the row is not known."""
    rows = [(-7, 0, 3, 9, 2), (5, 0, 1, 4, 1), (5, 0, None, 4, 1)]
    place, name = stage.folder / PARTS / "documents", "documents-00000.parquet"
    columns = [pa.array(list(part), kind) for part, kind in zip(zip(*rows, strict=True), DOCUMENTS.types, strict=True)]
    with documents_file(place) as (file, sink):
        file.append(pa.table(columns, schema=DOCUMENTS))
    entry = FileEntry(name, sink.n_bytes, sink.sha256)
    counts = {"documents": len(rows), "windows": 4}
    stage.commit(Manifest("documents", {"corpus": "c" * 64}, {}, counts, (entry,)), [(place, name)])


def _fit(run: Run, name: str, made_from: dict[str, str], **changes: dict[str, Any]) -> None:
    """Say of a product what it was made from."""
    manifest = run.manifest(name)
    counts = manifest.counts | changes.get("counts", {})
    write_manifest(run.location / name, replace(manifest, made_from=made_from, counts=counts))


def _write_composed(stage: Staging, run: Run) -> None:
    """Write scores that are drawn at random, at the pairs of the context counts."""
    pairs, draw = run.context_weights(), np.random.default_rng(5)
    place = stage.folder / PARTS / SCORES
    offsets, columns = pairs.indptr.astype(np.int64), pairs.indices.astype(np.int32)
    sink = write_scores(place, offsets, columns, draw.normal(size=pairs.nnz))
    vectors = draw.normal(size=(2, SIZE))
    part, entry = stage_table(stage, MARGINS, margins_table(np.ones(SIZE, dtype=bool), *vectors))
    files = (FileEntry(SCORES, sink.n_bytes, sink.sha256), entry)
    made_from = {name: run.manifest(name).content_hash for name in ("vocabulary", "bigram", "context")}
    stage.commit(Manifest("composed", made_from, {"top_tokens": None}, {}, files), [(place, SCORES), part])


def _write_attention(stage: Staging, run: Run) -> None:
    """Write a query-key matrix and a position bias that are drawn at random."""
    draw, keys = np.random.default_rng(6), np.arange(SIZE, dtype=np.int64)
    values = draw.integers(-(2**40), 2**40, SIZE * SIZE)
    columns = np.tile(np.arange(SIZE, dtype=np.int32), SIZE)
    rows = SparseRows(keys, np.arange(SIZE + 1, dtype=np.int64) * SIZE, columns, values)
    place = stage.folder / PARTS / "query_key"
    average = Average(run.n_positions, np.full(SIZE, 30, dtype=np.int32))
    with matrix_file(place, matrix_schema("query_key", SIZE, 0), PendingRows(SIZE), average) as (file, sink):
        file.append(rows)
    made_from = {name: run.manifest(name).content_hash for name in ("windows", "composed")}
    counts = {"vocabulary_size": SIZE, "nonzeros": SIZE * SIZE}
    entry = FileEntry("rows-00000.parquet", sink.n_bytes, sink.sha256)
    stage.commit(Manifest("query_key", made_from, {}, counts, (entry,)), [(place, entry.name)])
    part, entry = stage_table(stage, POSITION, position_table(draw.normal(size=LENGTH)))
    stage.commit(Manifest("position", made_from, {}, {}, (entry,)), [part])


def read_composed(run: Run) -> Iterator[Any]:
    """Read the composed scores as the executors do, then their margins."""
    manifest = run.manifest("composed")
    yield map_scores(f"{run.location.path}/composed/{SCORES}", manifest.files[0].sha256, SIZE)
    yield read_table(run.location, manifest, MARGINS)


READERS = {
    "sources": lambda run: run.source_files,
    "vocabulary": lambda run: run.vocabulary,
    "documents": lambda run: run.documents(),
    "windows": lambda run: list(run.windows()),
    "bigram": lambda run: run.bigram_counts(),
    "context": lambda run: run.context_weights(),
    "frequencies": lambda run: run.current_frequency,
    "composed": lambda run: list(read_composed(run)),
    "query_key": lambda run: run.query_key(),
    "position": lambda run: run.position(),
    "alignment": lambda run: run.alignment(),
}
"""How a product is opened through the library."""


def open_product(folder: Path, product: str) -> Any:
    """Open a run, and read one of its products."""
    return READERS[product](open_run(folder))


def files_of(folder: Path) -> list[str]:
    """List all files below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def check(folder: Path) -> tuple[str, ...]:
    """Name what a check finds."""
    return check_run(Location.of(folder)).problems
