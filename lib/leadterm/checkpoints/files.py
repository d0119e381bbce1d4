"""What a folder of a model holds, looked at before its weights are loaded: no pickle, no missing or broken shard."""

import json
import math
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from leadterm.checkpoints.sources import CONFIG_FILE, Place, refused_pickle
from leadterm.corpus.sources import PICKLE_SUFFIXES
from leadterm.errors import InputError
from leadterm.utf8 import decode_utf8

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def count_parameters(place: Place) -> int:
    """Count the numbers in the weights of a folder, from the headers of its files.

    Raises
    ------
    InputError
        If config.json is not that of a decoder whose weights can be read, the weights are a pickle, or a shard is
        missing or broken.
    """
    _check_config(_read_json(place.path / CONFIG_FILE), place)
    return sum(_count(path) for path in _shards(place))


def _check_config(config: Any, place: Place) -> None:
    kinds = {
        "is_encoder_decoder": "an encoder with a decoder",
        "use_bidirectional_attention": "an encoder, whose attention sees what follows",
        "quantization_config": "quantised weights, of which W_Q and W_K cannot be read",
    }
    for key, kind in kinds.items():
        if config.get(key):
            raise InputError(
                f"{place}: expected a decoder with plain weights; found {kind} ({CONFIG_FILE}, {key}). "
                "Choose a causal language model in float32, bfloat16 or float16."
            )


def _shards(place: Place) -> list[Path]:
    folder = place.path
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        names = sorted(set(_read_json(folder / INDEX).get("weight_map", {}).values()))
        missing = [name for name in names if not (folder / name).exists()]
        if missing or not names:
            raise InputError(
                f"{place}: {INDEX} names {len(names)} files of weights; {len(missing)} of them are missing "
                f"({', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}). Download the folder again."
            )
        return [folder / name for name in names]
    pickles = [path.name for path in sorted(folder.iterdir()) if path.suffix in PICKLE_SUFFIXES]
    if pickles:
        raise InputError(f"{place}: expected {WEIGHTS}, or shards with {INDEX}; {refused_pickle()} ({pickles[0]})")
    raise InputError(
        f"{place}: expected {WEIGHTS}, or shards with {INDEX}; found no weights. On the hub, choose a revision that "
        "has safetensors, not only a pickle (pytorch_model.bin); else download the folder again."
    )


def _count(path: Path) -> int:
    try:
        with safe_open(path, framework="numpy") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118  # not a dict
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: expected a whole safetensors file; found one that is cut short or broken ({error}). "
            "Download it again."
        ) from error


def read_text(path: Path) -> str:
    """Read a text file of a model's folder, without a byte order mark.

    Raises
    ------
    InputError
        If it cannot be read, or is not UTF-8.
    """
    try:
        return decode_utf8(path.read_bytes())
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: expected JSON; found something else ({error}). Download it again.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}")
        return content
    except ValueError as error:
        raise InputError(f"{path}: expected JSON; found something else ({error}). Download it again.") from error
