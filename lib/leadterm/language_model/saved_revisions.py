"""What a pretraining leaves on disk: revisions of the model, and until it is finished the state to go on from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from leadterm.atomic_files import whole
from leadterm.catalog.products import Product
from leadterm.errors import TrainingError

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
REVISION_FILES = (CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG)
AS_IT_IS = {"tokenizer_class": "PreTrainedTokenizerFast"}
"""Tells transformers to take the tokenizer.json as it is. Else it makes a byte-level BPE of it, as for every other
GPT-NeoX, and gives other ids without a word (5.23)."""
PRETRAINED = str(Product.PRETRAINED)
"""The folder, in a run, of the revisions; also what tables of scores call the model."""
UNFINISHED = "unfinished"
"""The folder, beside the revisions, of what is needed until the last of them is there. Work in progress lies in it too:
what looks for revisions must not find half of one."""
STATE = "state.safetensors"
LOSS_TABLE = "losses.parquet"
"""Beside the revisions, once all are there: step int64 (from 1), learning_rate double, loss double (before the step;
nats per position)."""

State = dict[str, Tensor]
"""All that a training needs to go on, by name."""


def revision_name(step: int) -> str:
    """Return the name of a revision's folder, which tells its step.

    Examples
    --------
    >>> revision_name(64)
    'step64'
    """
    return f"step{step}"


def has_revision(folder: Path, step: int) -> bool:
    """Say whether a revision is there."""
    return all((folder / revision_name(step) / name).is_file() for name in REVISION_FILES)


def write_revision(folder: Path, model: Any, step: int, tokenizer: str) -> None:
    """Write a revision as a folder that transformers and `leadterm.checkpoints` open; one that is there is replaced.

    Parameters
    ----------
    folder : pathlib.Path
        Of the revisions.
    model : transformers.PreTrainedModel
        With its weights after `step` steps.
    step : int
        Steps done.
    tokenizer : str
        The text of its tokenizer.json.

    Raises
    ------
    MachineError
        If it cannot be written.
    """
    with whole(folder / revision_name(step), folder / UNFINISHED) as partial:
        partial.mkdir()
        model.config.to_json_file(partial / CONFIG)
        _save(dict(model.state_dict()), partial / WEIGHTS, {"format": "pt"})
        (partial / TOKENIZER).write_text(tokenizer, encoding="utf-8")
        (partial / TOKENIZER_CONFIG).write_text(json.dumps(AS_IT_IS) + "\n", encoding="utf-8")


def write_state(folder: Path, state: State) -> None:
    """Keep what a training needs to go on, in place of what was kept before.

    Raises
    ------
    MachineError
        If it cannot be written.
    """
    with whole(folder / UNFINISHED / STATE) as partial:
        _save(state, partial, {"sha256": _sha256(state)})


def read_state(folder: Path) -> State | None:
    """Read the state that was kept last; None if there is none.

    Raises
    ------
    TrainingError
        If it is damaged.
    """
    place = folder / UNFINISHED / STATE
    if not place.exists():
        return None
    try:
        with safe_open(place, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
            written = (file.metadata() or {}).get("sha256")
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{place} cannot be read: {error}. Delete it to restart the training.") from error
    if written != _sha256(tensors):
        raise TrainingError(
            f"{place} is damaged: its numbers differ from those written. Delete it to restart the training."
        )
    return tensors


def _save(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write tensors; a disk that is full is reported as of any other file."""
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _sha256(tensors: dict[str, Tensor]) -> str:
    """Hash the names and bytes of tensors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()
