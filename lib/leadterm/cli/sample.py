"""``leadterm sample``: the sample text as Parquet, and the sample model."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from leadterm.atomic_files import whole
from leadterm.cli.console import say

SAMPLE_ROW_GROUP = 64
"""Chapters a row group: small, so that a laptop's cores share even this little text."""


def add_sample(commands: Any) -> None:
    """Add ``leadterm sample``."""
    sample = commands.add_parser("sample", help="write the sample text as Parquet")
    sample.add_argument("folder", type=Path, help="where to")
    sample.add_argument("--model", action="store_true", help="also write the sample model, a GGUF file of 98 MB")
    sample.set_defaults(action=lambda options: _write_samples(options.folder, model=options.model))


def _write_samples(folder: Path, *, model: bool) -> None:
    """Write the sample text, and the sample model if it is asked for, unless they are there."""
    from leadterm.corpus import read_sample, sample_model  # noqa: PLC0415  # brings tokenizers

    def write_text(partial: Path) -> None:
        pq.write_table(read_sample(), partial, row_group_size=SAMPLE_ROW_GROUP)

    _write_once(folder / "kjv.parquet", write_text, "the King James Bible, one row per chapter")
    if model:
        found = sample_model()
        target = folder / f"{found.name.split('.')[0]}.gguf"
        _write_once(target, lambda partial: shutil.copyfile(found, partial), "a language model of 135 million weights")


def _write_once(target: Path, write: Callable[[Path], object], what: str) -> None:
    """Write a file whole, unless it is there."""
    if target.exists():
        return
    with whole(target) as partial:
        write(partial)
    say(f"wrote {target}: {what}")
