"""What the products and decompositions of alignment cost a core of this machine, measured on a sample's matrices."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from leadterm.alignment.streams import CHUNK
from leadterm.operators import Operator
from leadterm.planner.distinct_pairs import fit_costs

COLUMNS = 256
"""That an operator is applied to: enough for tiles to be full."""
WIDTH = 768
"""Of the matrices that are multiplied."""
SIDE = 384
"""Of the matrix that is decomposed."""
HASHED = 2**24
"""Bytes."""
REPEATS = 2
"""Of which the faster one counts: the first one is that of new memory."""


@dataclass(frozen=True)
class Rates:
    """Seconds of one core.

    Attributes
    ----------
    entry
        For a nonzero of an operator and a column that it is applied to.
    cell
        For a row of an operator's result and a column: what is dense in it.
    single, double
        For a multiplication and addition of dense matrices, in float32 and float64.
    root
        To decompose a symmetric matrix, over the cube of its side.
    byte
        To hash.
    """

    entry: float
    cell: float
    single: float
    double: float
    root: float
    byte: float


def measure_rates(operators: list[tuple[Operator, float]]) -> Rates:
    """Measure.

    Parameters
    ----------
    operators
        Of a sample, each with the number of nonzeros that one column meets.
    """
    random = torch.Generator().manual_seed(0)
    with _one_thread():
        table, seconds = [], []
        for operator, entries in operators:
            dense = torch.randn(operator.shape[1], COLUMNS, generator=random, dtype=operator.dtype)
            seconds.append(_seconds(lambda o=operator, x=dense: o._matmat(x)))  # type: ignore[misc]
            table.append([entries * COLUMNS, operator.shape[0] * COLUMNS])
        entry, cell = fit_costs(np.array(table, dtype=float), np.array(seconds))
        single, double = (_multiply(random, dtype) for dtype in (torch.float32, torch.float64))
        square = torch.randn(SIDE, SIDE, generator=random, dtype=torch.float64)
        root = _seconds(lambda: torch.linalg.eigh(square @ square.T)) / SIDE**3
        byte = _seconds(lambda: hashlib.sha256(bytes(HASHED)).digest()) / HASHED
    return Rates(entry, cell, single, double, root, byte)


def _multiply(random: torch.Generator, dtype: torch.dtype) -> float:
    """Measure a product as Gram matrices are made."""
    tall = torch.randn(CHUNK, WIDTH, generator=random, dtype=dtype)
    return _seconds(lambda: tall.T @ tall) / (CHUNK * WIDTH**2)


def _seconds(work: Callable[[], object]) -> float:
    """Say how long some work takes a core."""
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return max(min(found), 1e-9)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
