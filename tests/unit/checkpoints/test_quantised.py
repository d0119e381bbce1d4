"""Weights in 8 bits with scales, against what they stand for by the definition of their numbers."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from leadterm.checkpoints import open_checkpoint
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
        f"{len(chosen)} of its weights are stored in 8 bits with scales; scores are computed from the values they "
        "represent",
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
    assert scaled.startswith("1 of its weights are stored in 8 bits")
    assert more.endswith(f"model does not use: model.layers.1.self_attn.k_scale, {module}.input_scale")


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


def test_masks_of_older_versions_are_no_weights(tmp_path):
    folder = save(tiny_model("gpt2"), tmp_path / "gpt2")
    tensors = load_file(folder / WEIGHTS)
    masks = {f"transformer.h.{number}.attn.bias": torch.ones(1, 1, 32, 32, dtype=torch.uint8) for number in range(2)}
    put(folder, {**tensors, **masks, "transformer.h.0.attn.masked_bias": torch.tensor(-1e9)})
    whole = open_checkpoint(save(tiny_model("gpt2"), tmp_path / "whole"))
    assert open_checkpoint(folder).weights_sha256 == whole.weights_sha256
