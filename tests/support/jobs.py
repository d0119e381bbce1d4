"""Runs the jobs on small corpora, and takes apart what they wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm import Run, open_run
from leadterm.config import Config, parse_config
from leadterm.storage import Location, Manifest

PRODUCTS = ("sources", "documents", "vocabulary", "windows", "bigram", "context", "frequencies")


def write_files(folder: Path, column: pa.Array, n_files: int, *, name: str = "text", row_group: int = 64) -> Path:
    """Write a column as this many Parquet files of about as many rows, in order of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    places = [len(column) * i // n_files for i in range(n_files + 1)]
    for number, (start, stop) in enumerate(pairwise(places)):
        part = pa.table({name: column.slice(start, stop - start)})
        pq.write_table(part, folder / f"part-{number:03d}.parquet", row_group_size=row_group)
    return folder


def make_config(path: Path, tokenizer: Mapping[str, Any], **sections: Mapping[str, Any]) -> Config:
    """Make a configuration with few files of windows, unless a section says otherwise."""
    corpus = {"paths": [str(path)], **sections.pop("corpus", {})}
    windows = {"files": 3, **sections.pop("windows", {})}
    return parse_config({"corpus": corpus, "tokenizer": dict(tokenizer), "windows": windows, **sections})


def run_both(session: Any, config: Config, folder: Path, tasks: int | None = None) -> Run:
    """Run both jobs into a new folder."""
    from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences  # noqa: PLC0415  # tests without a session do not load Spark
    from leadterm.pipeline.encode_corpus.job import encode_corpus  # noqa: PLC0415  # as above

    place = Location.of(folder)
    assert encode_corpus(session, config, place)
    assert count_cooccurrences(session, config, place, tasks=tasks)
    return open_run(folder)


def data_hashes(run: Run, products: Sequence[str] = PRODUCTS) -> dict[str, str]:
    """Return the SHA-256 of every data file; where documents lie tells how a corpus was divided: left out."""
    return {
        f"{product}/{entry.name}": entry.sha256
        for product in products
        for entry in run.manifest(product).files
        if product not in ("sources", "documents")
    }


def manifests(run: Run, products: Sequence[str] = PRODUCTS) -> dict[str, Manifest]:
    """Return the manifests of a run."""
    return {product: run.manifest(product) for product in products}


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
