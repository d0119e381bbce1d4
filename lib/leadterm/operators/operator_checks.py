"""Checks of which operators, vectors and indices can be combined, with suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from leadterm.errors import AxisError, InputError

if TYPE_CHECKING:
    from leadterm.operators.operator import Operator

Indices = Sequence[int] | np.ndarray | torch.Tensor
Dense = np.ndarray | torch.Tensor


def _fits(left: Operator, right: Operator, flip_left: bool, flip_right: bool) -> bool:
    """Say whether left @ right can be contracted after the given transposes."""
    inner_left, inner_right = (0 if flip_left else 1), (1 if flip_right else 0)
    same_axis = left.axes[inner_left] is right.axes[inner_right]
    return same_axis and left.shape[inner_left] == right.shape[inner_right]


def _written(operator: Operator, flip: bool) -> str:
    """Write an operator, or its transpose, as it would appear in a product."""
    label = operator.T.label if flip else operator.label
    return f"({label})" if " " in label else label


def _suggestion(left: Operator, right: Operator) -> str:
    """Name the transposes that would make the product possible."""
    ways = [
        f"{_written(left, flip_left)} @ {_written(right, flip_right)}"
        for flip_left, flip_right in ((True, False), (False, True), (True, True))
        if _fits(left, right, flip_left, flip_right)
    ]
    return f" This would fit: {' or '.join(ways)}." if ways else " No transpose of either makes them fit."


def require_contractible(left: Operator, right: Operator) -> None:
    """Refuse left @ right unless left's columns and right's rows have the same meaning and size."""
    if not _fits(left, right, flip_left=False, flip_right=False):
        raise AxisError(
            f"cannot contract {left!r} with {right!r}: the columns of the left are {left.axes[1]} "
            f"({left.shape[1]:,}), the rows of the right are {right.axes[0]} ({right.shape[0]:,})."
            + _suggestion(left, right)
        )
    require_same_machine(left, right)


def require_same_space(left: Operator, right: Operator) -> None:
    """Refuse to add or compare operators whose axes or shapes differ."""
    if left.axes != right.axes or left.shape != right.shape:
        fits = left.axes == right.axes[::-1] and left.shape == right.shape[::-1]
        hint = f" This would fit: {_written(right, flip=True)} in place of the second." if fits else ""
        raise AxisError(f"cannot add or compare {left!r} and {right!r}: axes and shapes must be the same." + hint)
    require_same_machine(left, right)


def require_same_machine(left: Operator, right: Operator) -> None:
    """Refuse operators of different number types or on different devices."""
    if left.dtype != right.dtype or left.device != right.device:
        raise InputError(
            f"{left!r} and {right!r} differ in number type or device: build both with the same dtype and device."
        )


def as_dense(operator: Operator, dense: Dense) -> torch.Tensor:
    """Return a vector (n,) or matrix (n, k) as a tensor to which an operator (m, n) can be applied."""
    if isinstance(dense, torch.Tensor) and dense.device != operator.device:
        raise InputError(
            f"the tensor is on {dense.device}, {operator!r} is not: move it with .to({str(operator.device)!r})."
        )
    if dense.ndim not in (1, 2) or dense.shape[0] != operator.shape[1]:
        raise AxisError(
            f"{operator!r} applies to a vector ({operator.shape[1]:,},) or a matrix ({operator.shape[1]:,}, k) "
            f"indexed by {operator.axes[1]}; found shape {tuple(dense.shape)}."
        )
    if dense.is_complex() if isinstance(dense, torch.Tensor) else dense.dtype.kind not in "fiub":
        raise InputError(f"{operator!r} applies to real numbers, not to {dense.dtype}.")
    return torch.as_tensor(_writable(dense), dtype=operator.dtype, device=operator.device)


def as_vector(vector: Dense, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return a vector as a tensor of the given type, on the given device."""
    return torch.as_tensor(_writable(vector), dtype=dtype, device=device)


def as_indices(indices: Indices, size: int, what: str, device: torch.device) -> torch.Tensor:
    """Return indices as an int64 tensor (k,), after checking that each lies in [0, size)."""
    found = torch.as_tensor(_writable(indices) if isinstance(indices, np.ndarray) else indices)
    found = found.to(torch.int64) if found.numel() == 0 else found
    if found.ndim != 1 or found.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8):
        raise InputError(
            f"{what} are named by a flat list of integers; found {found.dtype} of shape {tuple(found.shape)}."
        )
    outside = found[(found < 0) | (found >= size)]
    if outside.numel():
        raise InputError(
            f"index {int(outside[0])} is outside the {size:,} {what} of this operator (0 to {size - 1:,})."
        )
    return found.to(dtype=torch.int64, device=device)


def _writable(array: Dense) -> Dense:
    """Copy a read-only array (memory-mapped, broadcast), because torch warns that it might write to it."""
    return np.require(array, requirements="W") if isinstance(array, np.ndarray) else array
