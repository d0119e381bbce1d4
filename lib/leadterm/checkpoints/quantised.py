"""Weights that were stored in 8 bits, with scales beside them: what they stand for. All other packed ones are refused.

A weight of 8 bits is a number of a coarse grid; only times its scale it is what the model multiplies by. Every product
is rounded once at most, to the number type that is loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from leadterm.checkpoints.scales import Scaling, block_of, quantization_of, scaled_by, scaling_of
from leadterm.checkpoints.stored_tensors import Stored
from leadterm.errors import InputError

PLAIN = ("F64", "F32", "F16", "BF16")
EIGHT_BITS = ("F8_E4M3", "F8_E5M2", "I8")
WITH_SCALES = ("fp8", "fbgemm_fp8", "compressed-tensors", "modelopt")
"""Of the names that ``quantization_config.quant_method`` may have: those that may mean 8 bits with scales."""
_OF_ACTIVATIONS = ("k_scale", "v_scale", "q_scale", "input_scale", "output_scale", "input_zero_point")
"""Ends of names: scales of activations, not of weights."""
_BUFFERS = ("attn.bias", "attention.bias", "masked_bias", "causal_mask", "position_ids")
"""Ends of names: masks and positions that older versions of transformers saved (GPT-2, GPT-Neo, GPT-J, GPT-NeoX)."""
_OF_BUFFERS = ("BOOL", "U8", "I64")
_PLAIN_MODEL = "Choose the model that it was quantised from, in float32, bfloat16 or float16"
_PACKED = {
    (".qweight", ".qzeros", ".g_idx"): ("packed by GPTQ or AWQ", f"{_PLAIN_MODEL}."),
    (".weight_packed", ".weight_shape", ".weight_g_idx"): (
        "packed by compressed-tensors",
        f"{_PLAIN_MODEL}, or save it decompressed.",
    ),
    ("_blocks",): (
        "in blocks of MXFP4",
        f"{_PLAIN_MODEL}, or save it with transformers: AutoModelForCausalLM.from_pretrained(folder, "
        "quantization_config=Mxfp4Config(dequantize=True)).save_pretrained(other_folder).",
    ),
    (".SCB", ".absmax", ".quant_map", ".nested_absmax"): (
        "packed by bitsandbytes",
        f"{_PLAIN_MODEL}, or save it with transformers: "
        "AutoModelForCausalLM.from_pretrained(folder).dequantize().save_pretrained(other_folder).",
    ),
    (".weight_scale_2", ".weight_global_scale"): ("packed as NVFP4", f"{_PLAIN_MODEL}."),
}


@dataclass(frozen=True)
class Scaled:
    """A weight of 8 bits and what it is multiplied by; read like a `Stored` tensor, as what it stands for."""

    weight: Stored
    scaling: Scaling
    dtype: torch.dtype

    def __getitem__(self, index: Any) -> Tensor:
        """Read it, in its number type, which holds all factors as they are."""
        numbers = self.weight[...].to(self.dtype)
        if self.scaling.zero_point is not None:
            numbers -= self._spread(self.scaling.zero_point[...].to(self.dtype))
        return (numbers * self._spread(self.scaling.scale[...].to(self.dtype)))[index]

    def _spread(self, scale: Tensor) -> Tensor:
        """Bring a scale to the axes of the weight."""
        rank = len(self.weight.shape)
        if scale.numel() == 1:
            return scale.reshape([1] * rank)
        if scale.dim() == 1:
            return scale.reshape(-1, *[1] * (rank - 1))
        for axis, times in zip((-2, -1), self.scaling.block, strict=True):
            length = self.weight.shape[axis]
            if scale.shape[axis] not in (1, length):
                scale = scale.repeat_interleave(times, axis).narrow(axis, 0, length)
        return scale


def unpacked(
    tensors: Mapping[str, Stored], config: Mapping[str, Any], dtype: torch.dtype, source: str
) -> dict[str, Stored | Scaled]:
    """Replace weights of 8 bits, with their scales, by what they stand for.

    Parameters
    ----------
    tensors
        All of a model, by name.
    config
        What its config.json says.
    dtype
        Into which number type products are rounded.
    source
        The model, for messages.

    Raises
    ------
    InputError
        If weights are packed otherwise, a weight of 8 bits has no scale, or its scale fits in no way or more than one.
    """
    _refuse_packed(tensors, source)
    found: dict[str, Stored | Scaled] = dict(tensors)
    quantization = quantization_of(config, source)
    block = block_of(quantization, source)
    for tensor in tensors.values():
        if any(name in tensors for name in scaled_by(tensor.name)):
            continue  # a scale or a zero point
        scaling = scaling_of(tensor, tensors, block, source, is_small=tensor.dtype in EIGHT_BITS)
        if scaling is not None:
            found[tensor.name] = Scaled(tensor, scaling, dtype)
            for used in scaling.names:
                del found[used]
    method = quantization.get("quant_method")
    if method is not None and not any(isinstance(one, Scaled) for one in found.values()):
        raise InputError(
            f"{source}: config.json says that weights are quantised (quantization_config, {method!r}); found none "
            "in 8 bits with a scale. If they were dequantised, remove quantization_config from config.json; otherwise "
            f"download the model again. {_PLAIN_MODEL}."
        )
    return found


def _refuse_packed(tensors: Mapping[str, Stored], source: str) -> None:
    odd = [tensor for tensor in tensors.values() if tensor.dtype not in PLAIN]
    for ends, (kind, remedy) in _PACKED.items():
        named = [tensor for tensor in tensors.values() if tensor.name.endswith(ends)]
        if named and odd:
            raise InputError(_packed(source, f"weights that are {kind}", named, remedy))
    left = [tensor for tensor in odd if not _is_of_scaling(tensor, tensors) and not _is_buffer(tensor)]
    if left:
        kind = "tensors of number types that are not plain weights"
        raise InputError(_packed(source, kind, left, f"{_PLAIN_MODEL}."))


def _packed(source: str, kind: str, found: list[Stored], remedy: str) -> str:
    more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
    return (
        f"{source}: expected plain weights, or weights in 8 bits with scales; found {kind}: {found[0]}{more}. {remedy}"
    )


def _is_of_scaling(tensor: Stored, tensors: Mapping[str, Stored]) -> bool:
    """Say whether a tensor is a weight of 8 bits, a scale or a zero point: `scaling_of` looks at them."""
    return tensor.dtype in EIGHT_BITS or any(used in tensors for used in scaled_by(tensor.name))


def _is_buffer(tensor: Stored) -> bool:
    is_mask = tensor.name.endswith(_BUFFERS) and tensor.dtype in _OF_BUFFERS
    return is_mask or tensor.name.endswith(_OF_ACTIVATIONS)
