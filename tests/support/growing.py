"""A corpus in ten files, which is counted in parts and as a whole."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm import Run, open_run
from leadterm.config import Config
from leadterm.storage import Location
from support.bad_input import put
from support.jobs import make_config, manifests

SIZE = 60
IDS = {"kind": "ids", "vocabulary_size": SIZE}


def documents(number: int) -> list[list[int] | None]:
    """Draw the documents of a file: some are in other files too, some are null, empty or too short."""
    draw = np.random.default_rng(number)
    own = [draw.zipf(1.3, size=draw.integers(2, 40)).clip(max=SIZE - 1).tolist() for _ in range(6)]
    shared = [np.random.default_rng(100 + number % 3).integers(0, SIZE, 25).tolist()] * 2
    return [*own, *shared, None, [], [number]]


def put_ids(path: Path, rows: Sequence[list[int] | None]) -> Path:
    """Write a file of documents."""
    return put(path, pa.table({"ids": pa.array(rows, pa.list_(pa.int32()))}))


def write_corpus(folder: Path) -> list[Path]:
    """Write the files: of one, no document gives a window, and two hold no document at all."""
    contents = {f"{number}.parquet": documents(number) for number in range(7)}
    contents |= {"short.parquet": [[1], [2]], "empty.parquet": [], "nothing.parquet": []}
    return [put_ids(folder / name, rows) for name, rows in contents.items()]


def config_for(*paths: Path | str, **sections: Any) -> Config:
    """Make a configuration for some files of ids."""
    corpus = {"ids_column": "ids", "paths": [str(path) for path in paths], **sections.pop("corpus", {})}
    others = {"windows": {"length": 8}, "counting": {"rows_per_file": 12}, **sections}
    return make_config(Path(), others.pop("tokenizer", IDS), corpus=corpus, **others)


def add(session: Any, run: Path, config: Config, *paths: Path) -> bool:
    """Add files to a run, by default what is new in the corpus."""
    from leadterm.pipeline.add_files.job import add_files  # noqa: PLC0415  # tests without a session do not load Spark

    return add_files(session, config, Location.of(run), [str(path) for path in paths])


def dealt(corpus: list[Path], n_parts: int, seed: int) -> list[list[Path]]:
    """Shuffle the files, and deal them out: each part has one, and the first, which begins a run, has documents."""
    shuffled = random.Random(seed).sample(corpus, len(corpus))
    shuffled.sort(key=lambda path: path.stem in ("empty", "nothing", "short") and random.Random(seed).random() < 2)
    parts = [shuffled[i::n_parts] for i in range(n_parts)]
    return [parts[0], *random.Random(seed).sample(parts[1:], n_parts - 1)]


def accounts(run: Run | Path) -> dict[str, tuple[str, str]]:
    """What is known of each product of encoding and counting, its bytes included, but for timings."""
    run = open_run(run) if isinstance(run, Path) else run
    return {name: (made.content_hash, made.account_hash) for name, made in manifests(run).items()}


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All files of a folder, hidden ones too, and when they changed."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
