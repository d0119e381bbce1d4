"""Which scale belongs to a weight of 8 bits, and how it lies over it: one number, one for each row or each block."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadterm.checkpoints.stored_tensors import Stored
from leadterm.errors import InputError

Block = tuple[int, int]

_MULTIPLY = ("_scale", "_scale_inv")
"""Both multiply the weight: ``weight_scale`` of compressed-tensors and ModelOpt, ``weight_scale_inv`` of DeepSeek. With
the second, integers are no numbers but two of 4 bits each."""
_OTHER = ("_scales", "_scale_2", "_g_idx")
_BESIDE = ("scale", "scales", "scale_inv", "scale_weight", "pre_quant_scale")
"""Names of scales that do not tell whether they multiply or divide, or what."""
_NUMBERS = ("F32", "F16", "BF16", "F8_E8M0")
"""Number types of scales, of which the last has nothing but powers of two."""
_REMEDY = (
    "Save the model in bfloat16 with the tool that made it, or choose the model that it was quantised from, in "
    "float32, bfloat16 or float16."
)


@dataclass(frozen=True)
class Scaling:
    """What a weight is multiplied by: `scale`, after `zero_point` is subtracted; a `block` of it shares one number."""

    scale: Stored
    zero_point: Stored | None
    block: Block

    @property
    def names(self) -> list[str]:
        """The tensors that it is made of."""
        return [self.scale.name, *([] if self.zero_point is None else [self.zero_point.name])]


def quantization_of(config: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """Read what a config.json says of how weights were quantised; nothing where it says nothing.

    Raises
    ------
    InputError
        If that is no mapping.
    """
    found = config.get("quantization_config") or {}
    if not isinstance(found, Mapping):
        raise InputError(
            f"{source}: expected a mapping as quantization_config of config.json; found {found!r}. Take config.json "
            "from where the model was published."
        )
    return found


def block_of(quantization: Mapping[str, Any], source: str) -> Block | None:
    """Read out of a ``quantization_config`` how many rows and columns share a scale; None where it does not say.

    Raises
    ------
    InputError
        If weights were rotated before, or blocks have no size, or different ones in groups of layers.
    """
    if quantization.get("transform_config"):
        raise InputError(
            f"{source}: expected weights as the model was trained; found weights that were rotated "
            f"before quantisation (config.json, quantization_config.transform_config). {_REMEDY}"
        )
    sizes = set(_blocks(quantization))
    if not all(isinstance(length, int) and length > 0 for size in sizes for length in size):
        raise InputError(
            f"{source}: expected two positive integers as the block size; found {sorted(sizes, key=str)} "
            "(config.json, quantization_config). Take config.json from where the model was published."
        )
    if len(sizes) > 1:
        raise InputError(
            f"{source}: expected scales over blocks of a single size; found {sorted(sizes)} (config.json, "
            f"quantization_config). {_REMEDY}"
        )
    return (first[0], first[1]) if (first := next(iter(sizes), None)) else None


def _blocks(quantization: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    if quantization.get("weight_block_size"):
        yield _pair(quantization["weight_block_size"])
    groups = quantization.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping) and weights.get("block_structure"):
            yield _pair(weights["block_structure"])
        elif isinstance(weights, Mapping) and weights.get("group_size"):
            yield 1, weights["group_size"]


def _pair(size: Any) -> tuple[Any, ...]:
    return tuple(size) if isinstance(size, list) and len(size) == 2 else (str(size),)


def scaling_of(
    weight: Stored, tensors: Mapping[str, Stored], block: Block | None, source: str, *, is_small: bool
) -> Scaling | None:
    """Find what a tensor is multiplied by.

    Parameters
    ----------
    weight
        A tensor.
    tensors
        All of the model.
    block
        The rows and columns that share a scale, as config.json says; None where it says nothing.
    source
        The model, for messages.
    is_small
        Whether the tensor is of 8 bits, and must have a scale. No other may have one.

    Raises
    ------
    InputError
        Names the tensor, and what is missing, too much or of the wrong shape.
    """
    ends = _MULTIPLY[:1] if weight.dtype == "I8" else _MULTIPLY
    scales = _beside(weight, ends, tensors)
    others = [*_beside(weight, (*_MULTIPLY[len(ends) :], *_OTHER), tensors), *_in_module(weight, tensors)]
    zero_points = _beside(weight, ("_zero_point",), tensors)
    if not is_small and not scales and not others and not zero_points:
        return None
    if not is_small or len(scales) != 1 or others:
        expected = f"one scale, named as the weight with {' or '.join(ends)}," if is_small else "no scale"
        beside = ", ".join(map(str, [*scales, *others, *zero_points])) or "no scale"
        raise InputError(f"{source}: expected {expected} beside {weight}; found {beside}. {_REMEDY}")
    _check(scales[0], _NUMBERS, weight, block, source)
    for zero_point in zero_points:
        _check(zero_point, (*_NUMBERS, "I8"), weight, block, source)
    return Scaling(scales[0], zero_points[0] if zero_points else None, block or (1, 1))


def _beside(weight: Stored, ends: Sequence[str], tensors: Mapping[str, Stored]) -> list[Stored]:
    return [tensors[name] for end in ends if (name := f"{weight.name}{end}") in tensors]


def _in_module(weight: Stored, tensors: Mapping[str, Stored]) -> list[Stored]:
    stem, _, last = weight.name.rpartition(".")
    return [tensors[name] for one in _BESIDE if last == "weight" and (name := f"{stem}.{one}") in tensors]


def _check(scale: Stored, kinds: Sequence[str], weight: Stored, block: Block | None, source: str) -> None:
    if scale.dtype not in kinds:
        raise InputError(f"{source}: expected a scale of {', '.join(kinds)} beside {weight}; found {scale}. {_REMEDY}")
    if not _fits(scale, weight, block):
        told = f"blocks of {block[0]} x {block[1]}" if block else "no block size"
        raise InputError(
            f"{source}: expected a scale that is a single number, has one per row, or one per block "
            f"as config.json specifies ({told}); found {scale} beside {weight}. Take config.json, with its "
            "quantization_config, from where the model was published, or choose the model that it was quantised from."
        )


def scaled_by(name: str) -> Iterator[str]:
    """Name the weights that a tensor of this name would be the scale or the zero point of."""
    for end in ("_scale", "_scale_inv", "_zero_point"):
        if name.endswith(end):
            yield name.removesuffix(end)


def _fits(scale: Stored, weight: Stored, block: Block | None) -> bool:
    """Say whether a scale lies over a weight in one way only."""
    if all(length == 1 for length in scale.shape):
        return True
    if len(scale.shape) == 1:
        return scale.shape[0] == weight.shape[0] and len(weight.shape) == 2
    if len(scale.shape) != len(weight.shape) or scale.shape[:-2] != weight.shape[:-2]:
        return False
    over_all = all(ours in (1, theirs) for ours, theirs in zip(scale.shape[-2:], weight.shape[-2:], strict=True))
    over_blocks = block is not None and all(
        ours == -(-theirs // size)
        for ours, theirs, size in zip(scale.shape[-2:], weight.shape[-2:], block, strict=True)
    )
    return over_all or over_blocks
