"""Weights in 8 bits with scales, against what they stand for by the definition of their numbers; others are refused."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from leadterm.checkpoints import open_checkpoint
from leadterm.errors import InputError
from support.tiny_models import VOCABULARY_SIZE, save, tiny_model

WEIGHTS = "model.safetensors"
Q_PROJ = "model.layers.1.self_attn.q_proj.weight"
E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2


def values_of(bits: np.ndarray, exponents: int, bias: int) -> np.ndarray:
    """Decode numbers of 8 bits by the definition of their format: a sign, an exponent, a fraction."""
    fractions = 7 - exponents
    sign = np.where(bits >> 7, -1.0, 1.0)
    exponent = (bits >> fractions) & (2**exponents - 1)
    fraction = (bits & (2**fractions - 1)) / 2**fractions
    normal = np.ldexp(1 + fraction, exponent.astype(int) - bias)
    return sign * np.where(exponent == 0, np.ldexp(fraction, 1 - bias), normal)


def numbers_of(tensor: torch.Tensor) -> np.ndarray:
    if tensor.dtype is E4M3:
        return values_of(tensor.view(torch.uint8).numpy(), 4, 7)
    if tensor.dtype is E5M2:
        return values_of(tensor.view(torch.uint8).numpy(), 5, 15)
    if tensor.dtype is torch.float8_e8m0fnu:
        return np.ldexp(1.0, tensor.view(torch.uint8).numpy().astype(int) - 127)
    return tensor.double().numpy()


def spread(scale: np.ndarray, shape: tuple[int, int], block: tuple[int, int]) -> np.ndarray:
    """Write out the scale of each number of a weight, one by one."""
    rows, columns = block
    return np.array([[scale[row // rows, column // columns] for column in range(shape[1])] for row in range(shape[0])])


def projections(tensors) -> list[str]:
    return [name for name in tensors if name.endswith("_proj.weight")]


def rewrite(folder, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def put(folder, tensors, **changes) -> None:
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    rewrite(folder, **changes)


# How the numbers lie, over how many rows and columns a scale reaches (0: over all), what shape it is given, the number
# type of the scale, its name, and what config.json says.
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic"}
GROUPS = {"weights": {"num_bits": 8, "strategy": "group", "group_size": 3}}
KINDS = {
    "one number": (E4M3, (0, 0), (), torch.float32, "scale", None),
    "one number in a list": (E4M3, (0, 0), (1,), torch.bfloat16, "scale", FP8),
    "one number of two axes": (E5M2, (0, 0), (1, 1), torch.float16, "scale_inv", FP8),
    "one for each row": (E4M3, (1, 0), None, torch.float32, "scale", {"quant_method": "compressed-tensors"}),
    "one for each row, as a list": (E4M3, (1, 0), (-1,), torch.float32, "scale", {"quant_method": "modelopt"}),
    "one for each column": (E5M2, (0, 1), None, torch.float32, "scale", None),
    "blocks": (E4M3, (5, 7), None, torch.float32, "scale_inv", {**FP8, "weight_block_size": [5, 7]}),
    "large blocks": (E4M3, (128, 128), None, torch.float32, "scale_inv", {**FP8, "weight_block_size": [128, 128]}),
    "blocks of powers of two": (E4M3, (4, 9), None, "e8m0", "scale_inv", {**FP8, "weight_block_size": [4, 9]}),
    "rows though there are blocks": (E4M3, (1, 0), None, torch.float32, "scale", {**FP8, "weight_block_size": [5, 7]}),
    "groups": (
        torch.int8,
        (1, 3),
        None,
        torch.bfloat16,
        "scale",
        {"quant_method": "compressed-tensors", "config_groups": {"group_0": GROUPS}},
    ),
    "integers": (torch.int8, (1, 0), None, torch.float32, "scale", {"quant_method": "compressed-tensors"}),
}


def packed(shape, kind, random: np.random.Generator, name: str):
    """Draw numbers of 8 bits and their scale; return both, and what they stand for."""
    numbers, block, given, scale_type, *_ = kind
    rows, columns = (size or length for size, length in zip(block, shape, strict=True))
    weight = torch.from_numpy(random.integers(0, 120, shape).astype(np.uint8))  # no NaN, no infinity
    weight = weight + torch.from_numpy(random.integers(0, 2, shape).astype(np.uint8) * 128)
    weight = weight.view(numbers)
    size = -(-shape[0] // rows), -(-shape[1] // columns)
    if scale_type == "e8m0":
        scale = torch.from_numpy(random.integers(118, 124, size).astype(np.uint8)).view(torch.float8_e8m0fnu)
    else:
        scale = torch.from_numpy(random.uniform(0.001, 0.004, size)).to(scale_type)
    dense = numbers_of(weight) * spread(numbers_of(scale), shape, (rows, columns))
    return weight, scale if given is None else scale.reshape(given), dense


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KINDS)
def test_weights_are_what_they_stand_for(folder, tmp_path, name, dtype):
    kind = KINDS[name]
    *_, end, quantization = kind
    random = np.random.default_rng(7)
    tensors = load_file(folder / WEIGHTS)
    plain = save(tiny_model("llama"), tmp_path / "plain")
    expected = {key: tensor.double() for key, tensor in tensors.items()}
    chosen = projections(tensors)
    for key in chosen:
        weight, scale, dense = packed(tuple(tensors[key].shape), kind, random, key)
        tensors |= {key: weight, f"{key}_{end}": scale}
        expected[key] = torch.from_numpy(dense)
    put(folder, tensors, **({} if quantization is None else {"quantization_config": quantization}))
    put(plain, expected)
    ours, theirs = open_checkpoint(folder, dtype=dtype), open_checkpoint(plain, dtype=dtype)
    assert ours.weights_sha256 == theirs.weights_sha256  # every product rounded once
    for one, other in zip(ours.layers(range(VOCABULARY_SIZE)), theirs.layers(range(VOCABULARY_SIZE)), strict=True):
        for part in ("pre", "mid", "post", "query", "key"):
            assert torch.equal(getattr(one, part), getattr(other, part))
    assert ours.remarks == (
        f"{len(chosen)} of its weights lie in 8 bits with scales; scores are of what they stand for",
    )
    raw = load_file(folder / WEIGHTS)[Q_PROJ].to(ours._model.dtype)
    assert not torch.allclose(dict(ours._model.named_parameters())[Q_PROJ], raw), "scored as they lie"


def test_zero_points_are_subtracted(folder):
    tensors, random = load_file(folder / WEIGHTS), np.random.default_rng(3)
    numbers, zeros = random.integers(-128, 128, (16, 16)), random.integers(-9, 9, (16, 1))
    scale = random.uniform(0.001, 0.002, (16, 1)).astype(np.float32)
    tensors[Q_PROJ] = torch.from_numpy(numbers.astype(np.int8))
    tensors[f"{Q_PROJ}_scale"] = torch.from_numpy(scale)
    tensors[f"{Q_PROJ}_zero_point"] = torch.from_numpy(zeros.astype(np.int8))
    put(folder, tensors)
    found = dict(open_checkpoint(folder, dtype="float64")._model.named_parameters())[Q_PROJ]
    np.testing.assert_array_equal(found, (numbers - zeros) * scale.astype(np.float64))


def test_scales_of_activations_are_left_out_and_said(folder):
    tensors = load_file(folder / WEIGHTS)
    module = Q_PROJ.removesuffix(".weight")
    tensors |= {Q_PROJ: (tensors[Q_PROJ] / 0.01).to(E4M3), f"{Q_PROJ}_scale": torch.tensor(0.01)}
    tensors |= {f"{module}.input_scale": torch.tensor(0.5), "model.layers.1.self_attn.k_scale": torch.tensor(2.0)}
    put(folder, tensors)
    scaled, more = open_checkpoint(folder).remarks
    assert scaled.startswith("1 of its weights lie in 8 bits")
    assert more.endswith(f"no place for: model.layers.1.self_attn.k_scale, {module}.input_scale")


def test_experts_in_8_bits(tmp_path):
    """Of which each has a file entry of its own, and the model one tensor for all."""
    folder, plain = (save(tiny_model("qwen3_moe"), tmp_path / name) for name in ("packed", "plain"))
    tensors, random = load_file(folder / WEIGHTS), np.random.default_rng(5)
    expected = dict(tensors)
    experts = [name for name in tensors if ".experts." in name]
    assert len(experts) == 2 * 4 * 3
    for name in experts:
        weight, scale, dense = packed(tuple(tensors[name].shape), KINDS["blocks"], random, name)
        tensors |= {name: weight, f"{name}_scale_inv": scale}
        expected[name] = torch.from_numpy(dense)
    put(folder, tensors, quantization_config={**FP8, "weight_block_size": [5, 7]})
    put(plain, expected)
    assert open_checkpoint(folder).weights_sha256 == open_checkpoint(plain).weights_sha256


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
        f"found weights that are packed by bitsandbytes: {STEM}SCB (F32, 16). Choose the model that it was made from, "
        "in float32, bfloat16 or float16, or save it with transformers: AutoModelForCausalLM.from_pretrained(folder)"
        ".dequantize().save_pretrained(other_folder).",
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
        f"found tensors of number types that are no plain weights: {STEM}weight (U8, 16 x 8). Choose the model that",
    ),
    "a mask that is none": (
        {"bias": small(16)},
        f"found tensors of number types that are no plain weights: {STEM}bias (U8, 16). Choose the model that",
    ),
    "no scale": (
        {"weight": small(16, 16, dtype=torch.uint8).view(E4M3)},
        f"expected one scale, named as the weight with _scale or _scale_inv, beside {STEM}weight (F8_E4M3, 16 x 16); "
        "found no scale. Save the model in bfloat16 with what made it, or choose the model that it was made from, in",
    ),
    "integers without a scale": ({"weight": small(16, 16, dtype=torch.int8)}, "(I8, 16 x 16); found no scale."),
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
        "or one for each of the blocks that config.json tells (no size of blocks); found "
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
            "found weights that were rotated before they were quantised (config.json, quantization_config.transform_c",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"a": GROUPS, "b": {"weights": {"strategy": "block", "block_structure": [2, 2]}}},
            },
            "expected scales over blocks of one size; found [(1, 3), (2, 2)] (config.json, quantization_config). Save",
        ),
        (["fp8"], "expected a mapping as quantization_config of config.json; found ['fp8']. Take config.json from"),
        ({**FP8, "weight_block_size": [0, 4]}, "two whole numbers above 0 as the size of blocks; found [(0, 4)] (conf"),
        (
            {**FP8, "weight_block_size": "128"},
            "two whole numbers above 0 as the size of blocks; found [('128',)] (conf",
        ),
        ({"quant_algo": "FP8"}, "found quantised weights, of which W_Q and W_K cannot be read (config.json, quant"),
        ({"quant_method": "awq"}, "found quantised weights, of which W_Q and W_K cannot be read (config.json, quant"),
    ],
)
def test_what_config_says_of_weights_is_believed_or_refused(folder, quantization, expected):
    rewrite(folder, quantization_config=quantization)
    assert expected in message_of(folder)


def test_masks_of_older_versions_are_no_weights(tmp_path):
    folder = save(tiny_model("gpt2"), tmp_path / "gpt2")
    tensors = load_file(folder / WEIGHTS)
    masks = {f"transformer.h.{number}.attn.bias": small(1, 1, 32, 32) for number in range(2)}
    put(folder, {**tensors, **masks, "transformer.h.0.attn.masked_bias": torch.tensor(-1e9)})
    whole = open_checkpoint(save(tiny_model("gpt2"), tmp_path / "whole"))
    assert open_checkpoint(folder).weights_sha256 == whole.weights_sha256
