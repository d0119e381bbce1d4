"""What a folder of a model holds, looked at before its weights are loaded: no pickle, no missing or broken shard."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from leadterm.checkpoints.adapters import refuse_adapter, refuse_unmerged
from leadterm.checkpoints.families import check_family
from leadterm.checkpoints.json_files import read_json
from leadterm.checkpoints.locate import CONFIG_FILE, Place, refused_pickle
from leadterm.checkpoints.quantised import WITH_SCALES, Scaled, unpacked
from leadterm.checkpoints.scales import quantization_of
from leadterm.checkpoints.stored_tensors import Stored, count_numbers, read_headers
from leadterm.corpus.tokenizer_source import PICKLE_SUFFIXES
from leadterm.errors import InputError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"model-(\d+)-of-(\d+)\.safetensors")
_LISTED = 3


@dataclass(frozen=True)
class Weights:
    """The weights of a folder, from the headers of its files.

    Attributes
    ----------
    n_numbers
        How many there are.
    tensors
        By name, to be read one by one; None where transformers reads the folder as well.
    """

    n_numbers: int
    tensors: Mapping[str, Stored | Scaled] | None

    @property
    def n_scaled(self) -> int:
        """How many weights lie in 8 bits, with scales."""
        return sum(isinstance(tensor, Scaled) for tensor in (self.tensors or {}).values())


def check_config(place: Place) -> None:
    """Check the config.json of a folder.

    Raises
    ------
    InputError
        If it is not that of a decoder, of a family that is known, whose weights can be read; or of an adapter.
    """
    refuse_adapter(place.path, str(place))
    if not (place.path / CONFIG_FILE).is_file():
        raise InputError(
            f"{place}: expected a model with {CONFIG_FILE} and safetensors; found no {CONFIG_FILE}. Choose a model "
            "that was saved with save_pretrained."
        )
    config = read_json(place.path / CONFIG_FILE)
    check_family(config, str(place))
    kinds = {
        "is_encoder_decoder": "an encoder-decoder",
        "use_bidirectional_attention": "an encoder, whose attention sees later tokens",
    }
    if quantization_of(config, str(place)).get("quant_method") not in WITH_SCALES:
        kinds["quantization_config"] = "quantised weights, from which W_Q and W_K cannot be read"
    text = config.get("text_config")
    for key, kind in kinds.items():
        if config.get(key) or (isinstance(text, Mapping) and text.get(key)):
            raise InputError(
                f"{place}: expected a decoder with plain weights; found {kind} ({CONFIG_FILE}, {key}). "
                "Choose a causal language model in float32, bfloat16 or float16."
            )
    chosen = config.get("transformers_weights")
    if chosen not in (None, WEIGHTS):
        raise InputError(
            f"{place}: expected weights in {WEIGHTS} or its shards; found {chosen!r} as their file ({CONFIG_FILE}, "
            f"transformers_weights). If it is a safetensors file, rename it {WEIGHTS} and remove the key."
        )


def read_weights(place: Place, dtype: torch.dtype) -> Weights:
    """Look at the weights of a folder.

    Parameters
    ----------
    place
        The folder.
    dtype
        The number type that they are loaded as.

    Raises
    ------
    InputError
        If they are a pickle, or packed in a way that cannot be undone; if a shard is missing or broken; or if those
        of an adapter lie among them.
    """
    paths = _shards(place)
    stored = read_headers(paths)
    refuse_unmerged(stored, str(place))
    tensors = unpacked(stored, read_json(place.path / CONFIG_FILE), dtype, str(place))
    is_named_so = any((place.path / name).exists() for name in (WEIGHTS, INDEX))
    is_usual = is_named_so and not any(isinstance(tensor, Scaled) for tensor in tensors.values())
    return Weights(count_numbers(stored), None if is_usual else tensors)


def _shards(place: Place) -> list[Path]:
    folder = place.path
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        names = _indexed(folder / INDEX)
        missing = [name for name in names if not (folder / name).exists()]
        if missing or not names:
            raise InputError(
                f"{place}: {INDEX} names {len(names)} weight files; {len(missing)} of them are missing "
                f"({_listed(missing)}). Download the folder again."
            )
        return [folder / name for name in names]
    return _shards_by_name(place) or _refuse_none(place)


def _indexed(path: Path) -> list[str]:
    """List the files that an index names."""
    found = read_json(path).get("weight_map", {})
    names = list(found.values()) if isinstance(found, Mapping) else [found]
    wrong = [name for name in names if not isinstance(name, str) or Path(name).name != name]
    if wrong:
        raise InputError(
            f"{path}: expected the names of files in this folder as its weight_map; found {str(wrong[0])[:80]!r}. "
            "Download it again."
        )
    return sorted(set(names))


def _shards_by_name(place: Place) -> list[Path]:
    """List shards that no index names, if their names say that they are all there; nothing if there is none."""
    found = {path.name: match for path in place.path.iterdir() if (match := _SHARD.fullmatch(path.name))}
    sets = sorted({match[2] for match in found.values()})
    if len(sets) > 1:
        totals = " and of ".join(str(int(one)) for one in sets)
        raise InputError(
            f"{place}: expected the shards of one model; found some of {totals} files, and no {INDEX} that says "
            "which to use. Keep only one model's files in the folder, or download it again."
        )
    if not found:
        return []
    total = int(sets[0])
    numbers = {int(match[1]) for match in found.values()}
    missing = [f"model-{one:05}-of-{total:05}.safetensors" for one in range(1, total + 1) if one not in numbers]
    if missing or len(found) != total:
        what = f"missing: {_listed(missing)}" if missing else _listed(sorted(found))
        raise InputError(
            f"{place}: expected {total} weight files, according to their names; found {len(found)} ({what}). "
            "Download the folder again."
        )
    return [place.path / name for name in sorted(found)]


def _refuse_none(place: Place) -> list[Path]:
    names = sorted(path.name for path in place.path.iterdir())
    pickles = [name for name in names if Path(name).suffix in PICKLE_SUFFIXES]
    if pickles:
        raise InputError(f"{place}: expected {WEIGHTS}, or shards with {INDEX}; {refused_pickle()} ({pickles[0]})")
    others = [name for name in names if name.endswith(".safetensors")]
    if others:
        raise InputError(
            f"{place}: expected {WEIGHTS}, or shards named model-00001-of-00002.safetensors and so on; found "
            f"{_listed(others)}. If that is the whole model, "
            f"with tensors named as by save_pretrained, rename it {WEIGHTS}; otherwise save the model again with "
            "save_pretrained."
        )
    raise InputError(
        f"{place}: expected {WEIGHTS}, or shards with {INDEX}; found no weights. On the hub, choose a revision that "
        "has safetensors, not only a pickle (pytorch_model.bin); otherwise download the folder again."
    )


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:_LISTED])}{' …' if len(names) > _LISTED else ''}"
