"""Models through transformers: no code from outside, no pickle, nothing that was not in the files."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from leadterm.checkpoints.adapters import refuse_adapter_file
from leadterm.checkpoints.families import Family
from leadterm.checkpoints.free_memory import require_memory
from leadterm.checkpoints.json_files import read_text
from leadterm.checkpoints.locate import CONFIG_FILE, Place
from leadterm.checkpoints.model_files import Weights, check_config, read_weights
from leadterm.checkpoints.weight_checks import refuse_incomplete
from leadterm.corpus.gguf_header import count_gguf_weights
from leadterm.errors import InputError, LeadtermError, MachineError

_GGUF_PACKAGES = ("gguf", "accelerate")
_NAMED = 5


@dataclass(frozen=True)
class Loaded:
    """A model in memory.

    Attributes
    ----------
    model : transformers.PreTrainedModel
        In evaluation mode, without gradients.
    unread
        The weights that no score reads and that were not in the files: what they hold is not the model's.
    remarks
        What a reader of scores should know of how it was loaded.
    """

    model: Any
    unread: frozenset[str]
    remarks: tuple[str, ...]


def load_model(place: Place, config: Any, family: Family, dtype: torch.dtype, device: torch.device) -> Loaded:
    """Load a causal language model; `config` is what `read_config` read, of that `family`.

    Raises
    ------
    InputError
        If a package is missing, the files are not those of a whole model, or transformers does not know it.
    MachineError
        If it does not fit into memory.
    """
    # What a GGUF file packs is widened as a whole before the model is filled.
    weights = Weights(2 * count_gguf_weights(place.path), None) if place.is_gguf else read_weights(place, dtype)
    for where in dict.fromkeys((torch.device("cpu"), device)):  # it is loaded on the CPU first
        require_memory(weights.n_numbers * dtype.itemsize, f"{place}: the model as {str(dtype)[6:]}", where)
    with _quiet():
        model, report = _load(place, config, weights, dtype)
    prefix = ".".join(part for part in (model.base_model_prefix, family.text) if part)
    unread = refuse_incomplete(report, f"{prefix}.", str(place))
    remarks = _remarks(weights.n_scaled, unread, sorted(report["unexpected_keys"]))
    return Loaded(model.requires_grad_(False).to(device), unread, remarks)


def read_config(place: Place) -> Any:
    """Read the configuration of a model, as transformers knows it.

    Raises
    ------
    InputError
        If transformers cannot, it has code of its own, or it is no model whose weights can be read.
    """
    _require_packages(place)
    if place.is_gguf:
        refuse_adapter_file(place.path)
    else:
        check_config(place)
    from transformers import AutoConfig  # noqa: PLC0415 - an optional extra, seconds to import

    with _quiet(), _told(place), tempfile.TemporaryDirectory() as other:
        folder, options = _arguments(place)
        plain = b"" if place.is_gguf else read_text(folder / CONFIG_FILE).encode()
        if plain and plain != (folder / CONFIG_FILE).read_bytes():  # transformers takes no byte order mark
            (Path(other) / CONFIG_FILE).write_bytes(plain)
            folder = Path(other)
        return AutoConfig.from_pretrained(folder, **options)


def _load(place: Place, config: Any, weights: Weights, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
    import transformers  # noqa: PLC0415 - an optional extra, seconds to import

    folder: Path | None
    folder, options = _arguments(place)
    kind: Any = transformers.AutoModelForCausalLM
    if place.is_gguf and hasattr(transformers, "GgufConfig"):  # else some families stay packed, and fetch kernels
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    # The bar for a GGUF file goes past the switch that other bars of transformers obey.
    bar = redirect_stderr(StringIO()) if place.is_gguf else nullcontext()
    with _told(place), bar:
        if weights.tensors is not None:
            kind, config = _kind_of(config)
            folder, options = None, {"state_dict": weights.tensors}
        loaded: Any = kind.from_pretrained(
            folder,
            **options,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # so that it tells their names
            attn_implementation="eager",  # one code for all families and devices, with their soft caps
            output_loading_info=True,
        )
    model, report = loaded
    if hasattr(model, "set_experts_implementation"):
        model.set_experts_implementation("eager")  # the fast ones know no float64
    return model, report


def _kind_of(config: Any) -> tuple[Any, Any]:
    """Return the class of a model and its configuration, for weights that are no longer quantised."""
    import transformers  # noqa: PLC0415 - an optional extra, seconds to import

    if hasattr(config, "quantization_config"):
        del config.quantization_config
    build: Any = transformers.AutoModelForCausalLM.from_config
    with torch.device("meta"):  # takes no memory
        model = build(config)
    return type(model), model.config


def _remarks(n_scaled: int, unread: frozenset[str], unexpected: list[str]) -> tuple[str, ...]:
    remarks = []
    if n_scaled:
        remarks.append(
            f"{n_scaled:,} of its weights are stored in 8 bits with scales; scores are computed from "
            "the values they represent"
        )
    if unread:
        lack = "missing from its files, or of a different shape than config.json says, but not used by any score"
        remarks.append(f"{lack}: {_some(sorted(unread))}")
    if unexpected:
        remarks.append(f"its files contain tensors that the model does not use: {_some(unexpected)}")
    return tuple(remarks)


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:_NAMED])}{' …' if len(names) > _NAMED else ''}"


def _arguments(place: Place) -> tuple[Path, dict[str, Any]]:
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if place.is_gguf:
        return place.path.parent, {**options, "gguf_file": place.path.name}
    return place.path, options


@contextmanager
def _told(place: Place) -> Iterator[None]:
    try:
        yield
    except LeadtermError:
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise MachineError(f"{place}: memory ran out while it was loaded. Use a larger machine.") from error
    except Exception as error:  # whatever a library meets in a broken or new kind of model
        raise InputError(
            f"{place}: transformers cannot load this model ({type(error).__name__}: {error}). Download it again, or "
            "choose a causal language model that this version of transformers knows."
        ) from error


def _require_packages(place: Place) -> None:
    needed = ("transformers", *(_GGUF_PACKAGES if place.is_gguf else ()))
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{place}: opening a checkpoint needs packages that are not installed: {', '.join(missing)}. "
            "Install them with: pip install 'leadterm[checkpoints]'"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and printing what is reported as errors here."""
    from transformers.utils import logging as own_logging  # noqa: PLC0415 - an optional extra

    logs: Any = own_logging

    bars, verbosity = logs.is_progress_bar_enabled(), logs.get_verbosity()
    logs.disable_progress_bar()
    logs.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logs.set_verbosity(verbosity)
        if bars:
            logs.enable_progress_bar()
