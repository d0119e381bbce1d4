"""A run of a part of the sample text, small enough to be made by a test."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from leadterm.corpus import read_sample
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location
from support.jobs import make_config

CHAPTERS = 120
"""Genesis, Exodus and most of Leviticus: they hold the words that the notebook and the README speak of."""
WORDS = {"kind": "words", "vocabulary_size": 1000, "unknown": "replace"}


def make_small_run(session: Any, folder: Path) -> Path:
    """Run all jobs on the first chapters of the sample, once for a folder; returns the run directory inside it."""
    done, text = folder / "done", folder / "text.parquet"
    if done.exists():
        return folder / "run"
    pq.write_table(read_sample().slice(0, CHAPTERS), text)
    assert session.version, "the jobs join the session that runs"
    sections = {"windows": {"length": 16}, "counting": {"distances": [1, 2, 4, 8]}}  # As the demo has them,
    sections["theory"] = {"optimizer": "adam", "order": 2}  # and this.
    run_jobs(make_config(text, WORDS, **sections), Location.of(folder / "run"))
    done.touch()
    return folder / "run"
