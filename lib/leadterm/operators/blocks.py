"""Going through an operator by blocks of rows, within a memory budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from leadterm.errors import MachineError

if TYPE_CHECKING:
    from leadterm.operators.base import Operator

WORKSPACE = 64 * 2**20
"""Bytes for temporary arrays. Measured on the norm of interchange (V = 12,500, 2 cores): 16 to 128 MiB take 4 to 5 s,
256 MiB 7 to 8 s, for then the rows no longer stay in the cache. A GPU gains from more."""

DENSE_LIMIT = 2 * 2**30
"""Bytes that ``to_dense`` gives out unless told otherwise: V = 16,384 in float64."""


def row_blocks(operator: Operator, row_bytes: int, memory_bytes: int) -> Iterator[torch.Tensor]:
    """Yield all row numbers of an operator in blocks whose rows fit the budget; one row at least."""
    block = max(1, memory_bytes // max(1, row_bytes))
    for start in range(0, operator.shape[0], block):
        yield torch.arange(start, min(start + block, operator.shape[0]), device=operator.device)


def dense(operator: Operator, max_bytes: int) -> torch.Tensor:
    """Return the whole matrix, refusing where it would take more than `max_bytes`."""
    needed = operator.shape[0] * operator.shape[1] * operator.dtype.itemsize
    if needed > max_bytes:
        raise MachineError(
            f"{operator!r} would take {needed:,} bytes as a dense array; the limit is {max_bytes:,}. "
            "Take the parts you need with .rows([...]) or .columns([...]), apply it with @, or raise max_bytes."
        )
    whole = torch.empty(operator.shape, dtype=operator.dtype, device=operator.device)
    for indices in row_blocks(operator, operator._row_bytes(), WORKSPACE):
        whole[indices] = operator._rows(indices)
    return whole
