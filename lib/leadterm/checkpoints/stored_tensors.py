"""Tensors as they lie in the files of a folder: known from the headers, read when they are asked for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from leadterm.errors import InputError


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes
    ----------
    name
        Its key.
    dtype
        Its number type, as safetensors writes it: ``F32``, ``BF16``, ``F8_E4M3``, ``I8`` …
    shape
        Its axes' lengths.
    path
        The file.
    opened
        The file, open.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    opened: Any = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.dtype}, {' x '.join(map(str, self.shape)) or 'one number'})"

    def __getitem__(self, index: Any) -> Tensor:
        """Read it. This is how transformers asks for what it loads: with an ellipsis."""
        tensor: Tensor = self.opened.get_tensor(self.name)
        return tensor[index]


def read_headers(paths: Sequence[Path]) -> dict[str, Stored]:
    """Read what tensors lie in files.

    Raises
    ------
    InputError
        If a file is broken, or two hold the same tensor.
    """
    found: dict[str, Stored] = {}
    for path in paths:
        for tensor in _header(path):
            if tensor.name in found:
                raise InputError(
                    f"{path}: expected each tensor in one file only; found {tensor.name}, which "
                    f"{found[tensor.name].path.name} has too. Keep only one model's files in the folder."
                )
            found[tensor.name] = tensor
    return found


def count_numbers(tensors: dict[str, Stored]) -> int:
    """Count the numbers in tensors."""
    return sum(math.prod(tensor.shape) for tensor in tensors.values())


def _header(path: Path) -> list[Stored]:
    try:
        opened: Any = safe_open(path, framework="pt")
        slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118  # not a dict
        return [Stored(name, one.get_dtype(), tuple(one.get_shape()), path, opened) for name, one in slices.items()]
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: expected a complete safetensors file; found one that is truncated or broken ({error}). "
            "Download it again."
        ) from error
