"""Weights that are packed in another way, or whose scale is missing, too much or fits in no way: refused by name."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from leadterm.checkpoints import open_checkpoint
from leadterm.errors import InputError
from support.tiny_models import save, tiny_model

WEIGHTS = "model.safetensors"
Q_PROJ = "model.layers.1.self_attn.q_proj.weight"
E4M3 = torch.float8_e4m3fn
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic"}
GROUPS = {"weights": {"num_bits": 8, "strategy": "group", "group_size": 3}}


def put(folder, tensors) -> None:
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def rewrite(folder, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def message_of(folder) -> str:
    with pytest.raises(InputError) as caught:
        open_checkpoint(folder)
    return str(caught.value)


def small(*shape: int, dtype=torch.uint8) -> torch.Tensor:
    return torch.ones(shape, dtype=dtype)


STEM = Q_PROJ.removesuffix("weight")
PACKED = {
    "gptq": (
        {"qweight": small(2, 16, dtype=torch.int32), "qzeros": small(1, 2, dtype=torch.int32), "scales": small(1, 16)},
        f"found weights that are packed by GPTQ or AWQ: {STEM}qweight (I32, 2 x 16) and 1 more. Choose the model that",
    ),
    "compressed": (
        {"weight_packed": small(16, 2, dtype=torch.int32), "weight_scale": small(16, 1, dtype=torch.float32)},
        f"found weights that are packed by compressed-tensors: {STEM}weight_packed (I32, 16 x 2). Choose the model",
    ),
    "bitsandbytes of 8 bits": (
        {"weight": small(16, 16, dtype=torch.int8), "SCB": small(16, dtype=torch.float32)},
        f"found weights that are packed by bitsandbytes: {STEM}SCB (F32, 16). Choose the model that it was quantised "
        "from, in float32, bfloat16 or float16, or save it with transformers: "
        "AutoModelForCausalLM.from_pretrained(folder).dequantize().save_pretrained(other_folder).",
    ),
    "bitsandbytes of 4 bits": (
        {"weight": small(128, 1), "weight.absmax": small(4), "weight.quant_map": small(16, dtype=torch.float32)},
        f"packed by bitsandbytes: {STEM}weight.absmax (U8, 4) and 1 more. Choose",
    ),
    "nvfp4": (
        {"weight": small(16, 8), "weight_scale": small(16, 1).view(E4M3), "weight_scale_2": torch.tensor(1.0)},
        f"found weights that are packed as NVFP4: {STEM}weight_scale_2 (F32, one number). Choose",
    ),
    "unknown": (
        {"weight": small(16, 8)},
        f"found tensors of number types that are not plain weights: {STEM}weight (U8, 16 x 8). Choose the model that",
    ),
    "a mask that is none": (
        {"bias": small(16)},
        f"found tensors of number types that are not plain weights: {STEM}bias (U8, 16). Choose the model that",
    ),
    "no scale": (
        {"weight": small(16, 16, dtype=torch.uint8).view(E4M3)},
        f"expected one scale, named as the weight with _scale or _scale_inv, beside {STEM}weight (F8_E4M3, 16 x 16); "
        "found no scale. Save the model in bfloat16 with the tool that made it, or choose the model that it was "
        "quantised from, in",
    ),
    "integers without a scale": ({"weight": small(16, 16, dtype=torch.int8)}, "(I8, 16 x 16); found no scale."),
    "two numbers of 4 bits in each of 8": (
        {"weight": small(16, 8, dtype=torch.int8), "weight_scale_inv": torch.ones(16, 1)},
        f"expected one scale, named as the weight with _scale, beside {STEM}weight (I8, 16 x 8); found "
        f"{STEM}weight_scale_inv (F32, 16 x 1). Save the model",
    ),
    "two scales": (
        {"weight": small(16, 16).view(E4M3), "weight_scale": torch.tensor(1.0), "weight_scale_inv": torch.tensor(1.0)},
        f"found {STEM}weight_scale (F32, one number), {STEM}weight_scale_inv (F32, one number). Save",
    ),
    "a scale of another name": (
        {"weight": small(16, 16).view(E4M3), "scale": torch.tensor(1.0)},
        f"(F8_E4M3, 16 x 16); found {STEM}scale (F32, one number). Save",
    ),
    "rows that were scaled before": (
        {"weight": small(16, 16).view(E4M3), "weight_scale": torch.tensor(1.0), "pre_quant_scale": torch.ones(16)},
        f"found {STEM}weight_scale (F32, one number), {STEM}pre_quant_scale (F32, 16). Save",
    ),
    "plain weights with a scale": (
        {"weight_scale": torch.tensor(0.5)},
        f"expected no scale beside {STEM}weight (F32, 16 x 16); found {STEM}weight_scale (F32, one number). Save",
    ),
    "blocks of which nobody tells the size": (
        {"weight": small(16, 16).view(E4M3), "weight_scale_inv": torch.ones(2, 2)},
        "or one per block as config.json specifies (no block size); found "
        f"{STEM}weight_scale_inv (F32, 2 x 2) beside {STEM}weight (F8_E4M3, 16 x 16). Take config.json, with its",
    ),
    "too many rows": (
        {"weight": small(16, 16).view(E4M3), "weight_scale": torch.ones(17)},
        f"found {STEM}weight_scale (F32, 17) beside",
    ),
    "a scale of integers": (
        {"weight": small(16, 16).view(E4M3), "weight_scale": torch.ones(16, 1, dtype=torch.uint8)},
        f"expected a scale of F32, F16, BF16, F8_E8M0 beside {STEM}weight (F8_E4M3, 16 x 16); found {STEM}weight_scale "
        "(U8, 16 x 1). Save",
    ),
}


@pytest.mark.parametrize("name", PACKED)
def test_what_is_packed_otherwise_is_refused_by_name(folder, name):
    parts, expected = PACKED[name]
    tensors = {key: tensor for key, tensor in load_file(folder / WEIGHTS).items() if key != Q_PROJ or len(parts) == 1}
    tensors |= {STEM + end: tensor for end, tensor in parts.items()}
    put(folder, tensors)
    message = message_of(folder)
    assert message.startswith(f"{folder}: expected ") and expected in message


def test_experts_in_blocks_of_mxfp4(tmp_path):
    folder = save(tiny_model("gpt_oss"), tmp_path / "gpt_oss")
    tensors = load_file(folder / WEIGHTS)
    experts = "model.layers.0.mlp.experts.gate_up_proj"
    del tensors[experts]
    put(folder, {**tensors, f"{experts}_blocks": small(4, 48, 1, 16), f"{experts}_scales": small(4, 48, 1)})
    message = message_of(folder)
    assert f"found weights that are in blocks of MXFP4: {experts}_blocks (U8, 4 x 48 x 1 x 16). Choose" in message
    assert message.endswith("quantization_config=Mxfp4Config(dequantize=True)).save_pretrained(other_folder).")


@pytest.mark.parametrize(
    ("quantization", "expected"),
    [
        (FP8, "config.json says that weights are quantised (quantization_config, 'fp8'); found none in 8 bits with a"),
        (
            {"quant_method": "compressed-tensors", "transform_config": {"config_groups": {"a": 1}}},
            "found weights that were rotated before quantisation (config.json, quantization_config.transform_c",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"a": GROUPS, "b": {"weights": {"strategy": "block", "block_structure": [2, 2]}}},
            },
            "expected scales over blocks of a single size; found [(1, 3), (2, 2)] (config.json, quantization_config). "
            "Save",
        ),
        (["fp8"], "expected a mapping as quantization_config of config.json; found ['fp8']. Take config.json from"),
        ({**FP8, "weight_block_size": [0, 4]}, "two positive integers as the block size; found [(0, 4)] (conf"),
        (
            {**FP8, "weight_block_size": "128"},
            "two positive integers as the block size; found [('128',)] (conf",
        ),
        ({"quant_algo": "FP8"}, "found quantised weights, from which W_Q and W_K cannot be read (config.json, quant"),
        ({"quant_method": "awq"}, "found quantised weights, from which W_Q and W_K cannot be read (config.json, quant"),
    ],
)
def test_what_config_says_of_weights_is_believed_or_refused(folder, quantization, expected):
    rewrite(folder, quantization_config=quantization)
    assert expected in message_of(folder)
