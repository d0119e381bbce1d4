"""A run over random text, small language models, and scores of these against that."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm import open_run
from leadterm.catalog.jobs import COUNTING
from leadterm.config import AlignmentSection, Config, parse_config
from leadterm.pipeline.evaluate_alignment import evaluate_alignment
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location
from support.jobs import write_files
from support.tiny_models import VOCABULARY_SIZE, save, save_tokenizer, tiny_model

LENGTH = 9


@dataclass(frozen=True)
class Case:
    """A run, and how to score checkpoints against it."""

    session: Any
    place: Path
    config: Config

    def score(self, *checkpoints: dict[str, Any], overwrite: bool = False, **options: Any) -> bool:
        section = AlignmentSection.model_validate({"checkpoints": list(checkpoints), **options})
        config = self.config.model_copy(update={"alignment": section})
        return evaluate_alignment(self.session, config, Location.of(self.place), overwrite=overwrite)

    def rows(self) -> list[dict[str, Any]]:
        return open_run(self.place).alignment().to_pylist()

    def copied(self, folder: Path) -> Case:
        """A copy of the run."""
        shutil.copytree(self.place, folder)
        return Case(self.session, folder, self.config)


def count_random_text(session: Any, folder: Path) -> Case:
    """Run the jobs over random text, once for a folder; the last tokens of the vocabulary do not occur."""
    config = parse_config(
        {
            "corpus": {"paths": [str(folder / "text")]},
            "tokenizer": {"kind": "huggingface", "source": str(folder / "tokenizer.json")},
            "windows": {"length": LENGTH, "files": 2},
        }
    )
    done = folder / "done"
    if not done.exists():
        save_tokenizer(folder)
        random = np.random.default_rng(3)
        texts = [
            " ".join(f"t{token}" for token in random.zipf(1.3, 4 * LENGTH + 1) % (VOCABULARY_SIZE - 4))
            for _ in range(50)
        ]
        write_files(folder / "text", pa.array(texts), 2)
        run_jobs(config, Location.of(folder / "run"), COUNTING)
        done.touch()
    return Case(session, folder / "run", config)


def save_models(folder: Path, kinds: dict[str, tuple[str, int]]) -> Path:
    """Save models by name: of which family, and drawn from which seed."""
    for name, (kind, seed) in kinds.items():
        save_tokenizer(save(tiny_model(kind, seed), folder / name))
    return folder
