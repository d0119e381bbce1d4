"""A language model so small that a step of it takes milliseconds."""

from pathlib import Path
from typing import Any

from leadterm.config import PretrainingSection
from leadterm.corpus import ids_file
from leadterm.language_model import Pretrainer
from support.predictions import small_corpus

SIZE, LENGTH = 9, 6
TINY = {
    "layers": 2,
    "width": 16,
    "heads": 2,
    "steps": 6,
    "warmup_steps": 3,
    "batch": 3,
    "seed": 4,
    "learning_rate": 0.01,
}


def settings(**changes: Any) -> PretrainingSection:
    return PretrainingSection(**{**TINY, **changes})


def pretrainer(folder: Path, windows: Any = None, **changes: Any) -> Pretrainer:
    """Train on ragged windows of 9 tokens."""
    return Pretrainer(windows or small_corpus(), SIZE, LENGTH, settings(**changes), folder, ids_file(SIZE))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
