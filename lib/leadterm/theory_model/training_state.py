"""Checkpoints of a training: a folder with the weights as safetensors and everything else as JSON, whole or absent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from leadterm.atomic_files import whole
from leadterm.errors import TrainingError
from leadterm.theory_model.transformer import Transformer

FORMAT = 1
WEIGHTS = "weights.safetensors"
STATE = "state.json"
OPTIMIZER = "optimizer."
"""Begins the names of what the optimizer remembers."""
NAME = re.compile(r"step-(\d{8,})")

FREE_SETTINGS = ("steps", "compare_at", "checkpoint_every", "micro_batch", "expand_paths", "device")
"""Settings that a resumed training may change: how far it goes, and what changes rounding only. Windows are compared by
their fingerprint."""


@dataclass(frozen=True)
class State:
    """What a checkpoint knows beside the weights.

    Attributes
    ----------
    step : int
        Steps done. With the seed it says which windows come next, so it is the position of the random numbers too.
    settings : dict
        The training section as plain values.
    windows : str
        Fingerprint of the windows, in hexadecimal.
    weights_sha256 : str
        Of the file of weights.
    history : list of dict
        What the caller wants to have back when the training resumes, as JSON values.
    """

    step: int
    settings: dict[str, Any]
    windows: str
    weights_sha256: str
    history: list[dict[str, Any]]

    def differences(self, settings: dict[str, Any], windows: str) -> list[str]:
        """Name what keeps a training with these settings and windows from going on here."""
        names = [name for name in self.settings if name not in FREE_SETTINGS]
        found = [
            f"{name} (there {self.settings[name]!r}, here {settings.get(name)!r})"
            for name in names
            if self.settings[name] != settings.get(name)
        ]
        return found if windows == self.windows else [*found, "the windows"]


def write_checkpoint(
    folder: Path,
    model: Transformer,
    step: int,
    settings: dict[str, Any],
    windows: str,
    history: list[dict[str, Any]],
    optimizer: Mapping[str, torch.Tensor] | None = None,
) -> Path:
    """Write a checkpoint under ``folder/step-00000008`` and return its place; one that is there is replaced.

    What the optimizer remembers lies in the file of weights, under names of its own.

    Raises
    ------
    MachineError
        If it cannot be written.
    """
    target = folder / f"step-{step:08d}"
    with whole(target) as partial:
        partial.mkdir()
        # No metadata in the file: safetensors keeps it in a hash map, whose order is not the same every time.
        tensors = {**model.state_dict(), **{OPTIMIZER + name: part for name, part in (optimizer or {}).items()}}
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial / WEIGHTS)
        state = State(step, settings, windows, _sha256(partial / WEIGHTS), history)
        text = json.dumps({"format": FORMAT, **asdict(state)}, indent=2, allow_nan=False)
        (partial / STATE).write_text(text + "\n", encoding="utf-8")
    return target


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, newest first; none where there is no such folder."""
    found = [place for place in folder.glob("step-*") if NAME.fullmatch(place.name)]
    return sorted(found, key=lambda place: int(place.name.partition("-")[2]), reverse=True)


def read_state(place: Path) -> State:
    """Read what a checkpoint knows beside the weights.

    Raises
    ------
    TrainingError
        If its JSON is missing, damaged or of another format.
    """
    try:
        fields = json.loads((place / STATE).read_text(encoding="utf-8"))
        version = fields.pop("format")
        if version == FORMAT:
            return State(**fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{place / STATE} is not a readable training state: {error!r}. Delete the folder {place.name} to go on "
            "from the checkpoint before it."
        ) from error
    raise TrainingError(
        f"{place / STATE} has format {version!r}, this version reads {FORMAT}. "
        "Read it with the version of leadterm that wrote it, or train again in another folder."
    )


def read_weights(place: Path, state: State, model: Transformer) -> dict[str, torch.Tensor]:
    """Give a model the weights of a checkpoint, and return what the optimizer remembered.

    Raises
    ------
    TrainingError
        If the file is missing, not the one that was written, or of a model of other sizes.
    """
    file = place / WEIGHTS
    try:
        sha256 = _sha256(file)
        if sha256 != state.weights_sha256:
            raise TrainingError(
                f"{file} is damaged: its SHA-256 is {sha256[:16]}…, {STATE} says {state.weights_sha256[:16]}…. "
                f"Delete the folder {place.name} to go on from the checkpoint before it."
            )
        tensors = load_file(file)
        remembered = {name: tensors.pop(name) for name in list(tensors) if name.startswith(OPTIMIZER)}
        with torch.no_grad():
            model.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise TrainingError(
            f"{file} cannot be read into this model: {error}. Delete the folder {place.name} to go on from the "
            "checkpoint before it."
        ) from error
    return {name.removeprefix(OPTIMIZER): part for name, part in remembered.items()}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
