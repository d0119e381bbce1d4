"""Adapters: what was trained to change a model and is none by itself, even where it lies beside or in one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from leadterm.checkpoints.json_files import read_json
from leadterm.corpus.gguf_header import read_gguf_text
from leadterm.errors import InputError

ADAPTER_CONFIG = "adapter_config.json"
_WEIGHTS = (
    "adapter_model.safetensors",
    "adapter_model.bin",
    "adapters.safetensors",
    "pytorch_adapter.bin",
    "pytorch_lora_weights.safetensors",
)
"""As PEFT, MLX, adapters and diffusers name them."""
_IN_MODELS = (".lora_A", ".lora_B", ".lora_embedding", ".base_layer.", ".ia3_l", ".oft_", ".hada_", ".lokr_")
"""Parts of the names of tensors that PEFT puts into a model."""
_MERGE = (
    "Merge it into its model and save that, with transformers and peft: "
    "PeftModel.from_pretrained(base_model, folder).merge_and_unload().save_pretrained(other_folder)"
)


def refuse_adapter(folder: Path, source: str) -> None:
    """Refuse a folder with an adapter, whether it is alone or lies beside a model.

    Raises
    ------
    InputError
        Names the file, the kind of the adapter, its model where the file says it, and how to merge both.
    """
    found = next((name for name in (ADAPTER_CONFIG, *_WEIGHTS) if (folder / name).is_file()), None)
    if found is None:
        return
    settings = _settings(folder)
    kind, base = settings.get("peft_type"), settings.get("base_model_name_or_path")
    what = f"an adapter{f' of type {kind}' if kind else ''}{f' for the model {base!r}' if base else ''}"
    has_model = any((folder / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json"))
    alone = "; or, to use the model without it, remove the adapter's files from the folder" if has_model else ""
    raise InputError(
        f"{source}: expected a whole model; found {what} ({found}), which modifies a model but is not a model itself. "
        f"{_MERGE}{alone}."
    )


def refuse_adapter_file(path: Path) -> None:
    """Refuse a GGUF file that holds an adapter.

    Raises
    ------
    InputError
        Says how to merge it.
    """
    if read_gguf_text(path, "general.type") == "adapter":
        raise InputError(
            f"{path}: expected a whole model; found an adapter (general.type), which modifies a model but is "
            "not a model itself. Merge it into its model with llama.cpp's llama-export-lora, and name the file that "
            "it writes."
        )


def refuse_unmerged(names: Iterable[str], source: str) -> None:
    """Refuse a model among whose tensors lie those of an adapter, which its own forward would not read.

    Raises
    ------
    InputError
        Names a tensor.
    """
    found = [name for name in names if any(part in name for part in _IN_MODELS)]
    if found:
        more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        raise InputError(
            f"{source}: expected the weights of a model; found unmerged adapter weights among them: "
            f"{found[0]}{more}. {_MERGE}."
        )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / ADAPTER_CONFIG
    return read_json(path) if path.is_file() else {}
