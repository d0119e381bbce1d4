"""What the machine itself would need: the fastest that this way of counting could be here.

Each pair of a position and a context token is one read-modify-write of a scratch row, and each nonzero crosses memory
at least once for the shuffle (12 bytes) and once for the disk. Both rates are measured, on all cores at once.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

from benchmarks.samples import Sample
from leadterm.counting import count_unit, reciprocal_weights
from leadterm.counting.positions import NEXT, group_positions, window_starts

COPIED_BYTES = 2**28
"""Per core: far more than any cache."""
BYTES_PER_NONZERO = 12
"""Column int32 and value int64."""
REPEATS = 3
"""Of which the fastest counts: a floor is what the machine can do."""


@numba.njit("int64(int32[::1], int32[::1], int32[::1], int64[::1], int64[::1])", nogil=True)
def scatter(tokens, starts, order, weights, scratch):
    """Add the weights of all pairs of some positions to one scratch row; the number of pairs."""
    pairs = 0
    for k in range(order.size):
        position, start = order[k], starts[order[k]]
        weight = weights[position - start]
        for j in range(start, position + 1):
            scratch[tokens[j]] += weight
        pairs += position + 1 - start
    return pairs


def measure_floors(sample: Sample) -> dict[str, Any]:
    """Measure both rates, and leadterm's kernels without Spark.

    Returns
    -------
    dict
        ``cores``, ``pairs`` of a position and a context token, ``pairs_per_second`` and ``copied_bytes_per_second`` on
        all cores, ``kernel_tokens_per_second`` of one core.
    """
    tokens, offsets = sample.flat_windows()
    size, length = sample.manifest.counts["vocabulary_size"], sample.config.windows.length
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    weights = reciprocal_weights(length, 32)
    starts = window_starts(offsets, len(tokens))
    _, order = group_positions(tokens, offsets, size, NEXT)
    parts = [np.ascontiguousarray(part) for part in np.array_split(order, cores)]
    scratches = [np.zeros(size, dtype=np.int64) for _ in parts]
    pairs, seconds = _fastest(lambda core: scatter(tokens, starts, parts[core], weights, scratches[core]), cores)

    sources = [np.ones(COPIED_BYTES // 8) for _ in range(cores)]
    targets = [np.ones_like(source) for source in sources]
    _, copy_seconds = _fastest(lambda core: np.copyto(targets[core], sources[core]) or 0, cores)
    _, kernel_seconds = _fastest(
        lambda _: sum(len(rows) for _, rows in count_unit(tokens, offsets, size, weights, 2**21)), 1
    )
    return {
        "cores": cores,
        "pairs": int(pairs),
        "pairs_per_second": pairs / seconds,
        "copied_bytes_per_second": cores * COPIED_BYTES / copy_seconds,
        "kernel_tokens_per_second": sample.manifest.counts["tokens"] / kernel_seconds,
    }


def share_of_floor(floors: dict[str, Any], nonzeros: int, output_bytes: int, seconds: float) -> dict[str, float]:
    """Turn rates into the least time for a job, and say what share of the time it took that is."""
    adding = floors["pairs"] / floors["pairs_per_second"]
    moving = (nonzeros * BYTES_PER_NONZERO + output_bytes) / floors["copied_bytes_per_second"]
    return {"adding_seconds": adding, "moving_seconds": moving, "share": (adding + moving) / seconds}


def _fastest(work: Callable[[int], int], cores: int) -> tuple[int, float]:
    """Do a share of the work on each core at the same time; the sum of the results, the least time of some repeats."""
    times = []
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(REPEATS):
            started = time.perf_counter()
            results = list(pool.map(work, range(cores)))
            times.append(time.perf_counter() - started)
    return sum(results), min(times)
