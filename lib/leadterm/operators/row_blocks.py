"""Processing an operator by blocks of rows, within a memory budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from leadterm.errors import MachineError

if TYPE_CHECKING:
    from leadterm.operators.operator import Operator

WORKSPACE = 64 * 2**20
"""Bytes for temporary arrays. Measured on the norm of interchange (V = 12,500, 2 cores): 16 to 128 MiB take 4 to 5 s,
256 MiB 7 to 8 s, because the rows then no longer stay in the cache. A GPU benefits from more."""

DENSE_LIMIT = 2 * 2**30
"""Default limit of ``to_dense``, in bytes: V = 16,384 in float64."""


def row_blocks(
    operator: Operator, row_bytes: int, memory_bytes: int, rows: range | None = None
) -> Iterator[torch.Tensor]:
    """Yield row numbers, all of an operator or a range, in blocks whose rows fit the budget, at least one row each."""
    block, rows = max(1, memory_bytes // max(1, row_bytes)), range(operator.shape[0]) if rows is None else rows
    for start in range(rows.start, rows.stop, block):
        yield torch.arange(start, min(start + block, rows.stop), device=operator.device)


def require_size(what: str, needed: int, max_bytes: int, remedy: str) -> None:
    """Refuse dense arrays of more than `max_bytes`."""
    if needed > max_bytes:
        raise MachineError(
            f"{what} would take {needed:,} bytes ({needed / 2**30:,.1f} GiB) as a dense array; the limit is "
            f"{max_bytes:,}. {remedy}"
        )


def dense(operator: Operator, max_bytes: int) -> torch.Tensor:
    """Return the whole matrix, refusing if it would take more than `max_bytes`."""
    remedy = "Take the parts you need with .rows([...]) or .columns([...]), apply it with @, or raise max_bytes."
    require_size(repr(operator), operator.shape[0] * operator.shape[1] * operator.dtype.itemsize, max_bytes, remedy)
    whole = torch.empty(operator.shape, dtype=operator.dtype, device=operator.device)
    for indices in row_blocks(operator, operator._row_bytes(), WORKSPACE):
        whole[indices] = operator._rows(indices)
    return whole
