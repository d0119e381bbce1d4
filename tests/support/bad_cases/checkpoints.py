"""Language models that cannot be scored: of which the weights are packed, missing or an adapter's, or unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.bad_cases.case import ANYTHING, Case

ALIGN = "evaluate_alignment"
Q_PROJ = "model.layers.1.self_attn.q_proj"
PLAIN = "Choose the model that it was quantised from, in float32, bfloat16 or float16"
SAVED = f"Save the model in bfloat16 with the tool that made it, or {PLAIN[0].lower()}{PLAIN[1:]}."
MERGE = (
    "Merge it into its model and save that, with transformers and peft: "
    "PeftModel.from_pretrained(base_model, folder).merge_and_unload().save_pretrained(other_folder)"
)
OF_FAMILIES = "~/model: expected a decoder of a family that leadterm knows; found a model of type"


def changed_model(change: Callable[[Path], object]) -> Callable[[Path], Any]:
    """Write a small Llama, change something, and open it."""

    def act(folder: Path) -> Any:
        from leadterm.checkpoints import open_checkpoint  # noqa: PLC0415  # brings transformers
        from support.tiny_models import save, tiny_model  # noqa: PLC0415  # the same

        model = save(tiny_model("llama"), folder / "model")
        change(model)
        return open_checkpoint(model)

    return act


def with_config(**changes: Any) -> Callable[[Path], object]:
    def act(model: Path) -> None:
        place = model / "config.json"
        place.write_text(json.dumps(json.loads(place.read_text()) | changes))

    return act


def with_tensors(**changes: tuple[str, list[int]]) -> Callable[[Path], object]:
    """Put other tensors in the place of a projection: number types and shapes, by what their names end with."""

    def act(model: Path) -> None:
        import torch  # noqa: PLC0415
        from safetensors.torch import load_file, save_file  # noqa: PLC0415

        place = model / "model.safetensors"
        tensors = load_file(place)
        if set(changes) != {"weight_scale"}:
            del tensors[f"{Q_PROJ}.weight"]
        for end, (kind, shape) in changes.items():
            tensors[f"{Q_PROJ}.{end}"] = torch.ones(shape).to(getattr(torch, kind))
        save_file(tensors, place, metadata={"format": "pt"})

    return act


def with_adapter(model: Path) -> None:
    (model / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "a/b"}))
    (model / "model.safetensors").rename(model / "adapter_model.safetensors")


def only_adapter(model: Path) -> None:
    with_adapter(model)
    (model / "config.json").unlink()


def second_shard_alone(model: Path) -> None:
    (model / "model.safetensors").rename(model / "model-00002-of-00002.safetensors")


def of_model(name: str, wrong: str, says: str, change: Callable[[Path], object]) -> Case:
    return Case(name, wrong, ALIGN, says, changed_model(change))


CASES = [
    of_model(
        "fp8 alone", "weights of 8 bits without a scale",
        "~/model: expected one scale, named as the weight with _scale or _scale_inv, beside "
        f"{Q_PROJ}.weight (F8_E4M3, 16 x 16); found no scale. {SAVED}",
        with_tensors(weight=("float8_e4m3fn", [16, 16])),
    ),
    of_model(
        "fp8 blocks", "a scale for each block, and nobody tells how large blocks are",
        "~/model: expected a scale that is a single number, has one per row, or one per block "
        f"as config.json specifies (no block size); found {Q_PROJ}.weight_scale_inv (F32, 2 x 2) beside "
        f"{Q_PROJ}.weight "
        "(F8_E4M3, 16 x 16). Take config.json, with its quantization_config, from where the model was published, or "
        "choose the model that it was quantised from.",
        with_tensors(weight=("float8_e4m3fn", [16, 16]), weight_scale_inv=("float32", [2, 2])),
    ),
    of_model(
        "plain scale", "a scale beside weights that are no integers and not of 8 bits",
        f"~/model: expected no scale beside {Q_PROJ}.weight (F32, 16 x 16); found {Q_PROJ}.weight_scale (F32, 1). "
        f"{SAVED}",
        with_tensors(weight_scale=("float32", [1])),
    ),
    of_model(
        "gptq", "weights that GPTQ or AWQ packed",
        "~/model: expected plain weights, or weights in 8 bits with scales; found weights that are packed by GPTQ or "
        f"AWQ: {Q_PROJ}.qweight (I32, 2 x 16) and 1 more. {PLAIN}.",
        with_tensors(qweight=("int32", [2, 16]), qzeros=("int32", [1, 2]), scales=("float16", [1, 16])),
    ),
    of_model(
        "bitsandbytes", "weights that bitsandbytes packed",
        "~/model: expected plain weights, or weights in 8 bits with scales; found weights that are packed by "
        f"bitsandbytes: {Q_PROJ}.SCB (F32, 16). {PLAIN}, or save it with transformers: "
        "AutoModelForCausalLM.from_pretrained(folder).dequantize().save_pretrained(other_folder).",
        with_tensors(weight=("int8", [16, 16]), SCB=("float32", [16])),
    ),
    of_model(
        "stale method", "config.json says fp8, and no weight is",
        "~/model: config.json says that weights are quantised (quantization_config, 'fp8'); found none in 8 bits "
        "with a scale. If they were dequantised, remove quantization_config from config.json; otherwise download the "
        f"model again. {PLAIN}.",
        with_config(quantization_config={"quant_method": "fp8"}),
    ),
    of_model(
        "a shard", "the second of two shards alone, and no index",
        "~/model: expected 2 weight files, according to their names; found 1 (missing: "
        "model-00001-of-00002.safetensors). Download the folder again.",
        second_shard_alone,
    ),
    of_model(
        "LoRA", "an adapter, not merged into its model",
        "~/model: expected a whole model; found an adapter of type LORA for the model 'a/b' (adapter_config.json), "
        f"which modifies a model but is not a model itself. {MERGE}.",
        only_adapter,
    ),
    of_model(
        "LoRA with a config", "the same, with the config.json of its model",
        "~/model: expected a whole model; found an adapter of type LORA for the model 'a/b' (adapter_config.json), "
        f"which modifies a model but is not a model itself. {MERGE}.",
        with_adapter,
    ),
    of_model(
        "misspelt family", "a family that is misspelt",
        f"{OF_FAMILIES} 'llamma'. Of the {ANYTHING} known families, the closest names are 'llama', {ANYTHING}. "
        "Choose a model of a known family (leadterm.checkpoints.families.FAMILIES lists them); or describe this one "
        "there, as CONTRIBUTING.md says under 'a family of language models'.",
        with_config(model_type="llamma"),
    ),
    of_model(
        "mamba", "a model without attention",
        f"{OF_FAMILIES} 'mamba', a model without attention, which has no W_Q and W_K. Choose a decoder-only language "
        "model with attention.",
        with_config(model_type="mamba"),
    ),
    of_model(
        "images", "a model of images around a language model",
        f"{OF_FAMILIES} 'llava', a multimodal model around a language model of type 'llama'. Save its "
        "language model alone with save_pretrained, or choose a text model.",
        with_config(model_type="llava", text_config={"model_type": "llama"}),
    ),
    of_model(
        "weights elsewhere", "a config.json that sends transformers to a pickle",
        "~/model: expected weights in model.safetensors or its shards; found 'adapter_model.bin' as their file "
        "(config.json, transformers_weights). If it is a safetensors file, rename it model.safetensors "
        "and remove the key.",
        with_config(transformers_weights="adapter_model.bin"),
    ),
]  # fmt: skip
