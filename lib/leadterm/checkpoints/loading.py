"""Models through transformers: no code from outside, no pickle, nothing that was not in the files."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from leadterm.checkpoints.files import count_parameters, read_text
from leadterm.checkpoints.memory import require_memory
from leadterm.checkpoints.sources import CONFIG_FILE, Place
from leadterm.checkpoints.weights import refuse_incomplete
from leadterm.corpus.gguf import count_gguf_weights
from leadterm.errors import InputError, LeadtermError, MachineError

_GGUF_PACKAGES = ("gguf", "accelerate")


def load_model(place: Place, config: Any, dtype: torch.dtype, device: torch.device) -> tuple[Any, tuple[str, ...]]:
    """Load a causal language model, in evaluation mode, without gradients; `config` is what `read_config` read.

    Returns
    -------
    model : transformers.PreTrainedModel
    unexpected : tuple of str
        Tensors in the files that the model has no place for.

    Raises
    ------
    InputError
        If a package is missing, the files are not those of a whole model, or transformers does not know it.
    MachineError
        If it does not fit into memory.
    """
    # What a GGUF file packs is widened as a whole before the model is filled.
    times, n_parameters = (2, count_gguf_weights(place.path)) if place.is_gguf else (1, count_parameters(place))
    for where in dict.fromkeys((torch.device("cpu"), device)):  # it is loaded on the CPU first
        require_memory(times * n_parameters * dtype.itemsize, f"{place}: the model as {str(dtype)[6:]}", where)
    with _quiet():
        model, report = _load(place, config, dtype)
    refuse_incomplete(report["missing_keys"], [key for key, *_ in report["mismatched_keys"]], str(place))
    return model.requires_grad_(False).to(device), tuple(sorted(report["unexpected_keys"]))


def read_config(place: Place) -> Any:
    """Read the configuration of a model, as transformers knows it.

    Raises
    ------
    InputError
        If transformers cannot, or it has code of its own.
    """
    _require_packages(place)
    from transformers import AutoConfig  # noqa: PLC0415 - an optional extra, seconds to import

    with _quiet(), _told(place), tempfile.TemporaryDirectory() as other:
        folder, options = _arguments(place)
        plain = b"" if place.is_gguf else read_text(folder / CONFIG_FILE).encode()
        if plain and plain != (folder / CONFIG_FILE).read_bytes():  # transformers takes no byte order mark
            (Path(other) / CONFIG_FILE).write_bytes(plain)
            folder = Path(other)
        return AutoConfig.from_pretrained(folder, **options)


def _load(place: Place, config: Any, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
    import transformers  # noqa: PLC0415 - an optional extra, seconds to import

    folder, options = _arguments(place)
    if place.is_gguf and hasattr(transformers, "GgufConfig"):  # else some families stay packed, and fetch kernels
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    # The bar for a GGUF file goes past the switch that other bars of transformers obey.
    bar = redirect_stderr(StringIO()) if place.is_gguf else nullcontext()
    with _told(place), bar:
        loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
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
    return model, report


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
        raise MachineError(f"{place}: no memory was left while it was loaded. Use a larger machine.") from error
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
