"""What this machine does in a second, on all cores at once or on one: the rates that floors are made of.

Every loop goes over the corpus's own tokens and matrices, in the order in which leadterm's kernels do, and does nothing
else; the fastest of some repeats counts.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.machine import usable_cores
from benchmarks.samples import Sample
from leadterm.catalog.products import Product
from leadterm.counting.positions import fetch_ahead, group_positions
from leadterm.jit import kernel
from leadterm.storage import read_manifest
from leadterm.storage.formats.matrix_files import FLOATS, INTEGERS

COPIED_BYTES = 2**28
"""Per core: far more than any cache."""
MOST_ENTRIES = 2**24
"""Of a matrix that is encoded or multiplied, per core."""
LINES = 2**16
"""Rows of a dense matrix that are added to one another."""
REPEATS = 3
"""Of which the fastest counts: a floor is what the machine can do."""

PAIRS = "int64(int32[::1], int32[::1], int32[::1], int64[::1], int64[::1])"
Windows = tuple[NDArray[np.int32], NDArray[np.int64]]
"""Tokens, and where each window begins and the last one ends."""


@kernel(PAIRS)
def scatter(tokens, starts, order, weights, scratch):
    """Add the weights of all pairs of some positions to one scratch row; the number of pairs."""
    pairs = 0
    for k in range(order.size):
        fetch_ahead(tokens, starts, order, k)
        context = tokens[starts[k] : order[k] + 1]
        weight = weights[context.size - 1]
        for j in range(context.size):
            scratch[np.uint32(context[j])] += weight
        pairs += context.size
    return pairs


@kernel(PAIRS)
def gather_scatter(tokens, starts, order, scores, scratch):
    """Look the score of every pair of some positions up in one row and add it to another; the number of pairs."""
    pairs = 0
    for k in range(order.size):
        fetch_ahead(tokens, starts, order, k)
        context = tokens[starts[k] : order[k] + 1]
        for j in range(context.size):
            scratch[np.uint32(context[j])] += scores[np.uint32(context[j])]
        pairs += context.size
    return pairs


@kernel("int64(int32[::1], float64[::1], float64[::1])")
def add_entries(columns, values, scratch):
    """Add the entries of a sparse matrix, each times a factor, to one dense row; their number."""
    for e in range(columns.size):
        scratch[np.uint32(columns[e])] += 0.5 * values[e]
    return columns.size


@kernel("int64(float32[::1], float32[::1], int64)", "int64(float64[::1], float64[::1], int64)")
def add_lines(line, target, times):
    """Add a dense row, times a factor, to another, so many times; the number of products."""
    for _ in range(times):
        for k in range(line.size):
            target[k] += np.float32(0.5) * line[k]
    return times * line.size


def pair_rate(
    windows: Windows, size: int, loop: Callable[..., int], shift: int, values: NDArray[np.int64], cores: int
) -> tuple[int, float]:
    """Go over all pairs, positions grouped by the token ``shift`` places on: their number, and pairs per second."""
    tokens, offsets = windows
    _, order, starts = group_positions(tokens, offsets, size, shift)
    parts = list(zip(np.array_split(starts, cores), np.array_split(order, cores), strict=True))
    scratches = [np.zeros(size, dtype=np.int64) for _ in parts]
    return rate(lambda core: loop(tokens, *parts[core], values, scratches[core]), cores)


@cache
def copy_rate() -> float:
    """Copy memory: bytes per second on all cores, measured once in a process."""
    cores = usable_cores()
    sources = [np.ones(COPIED_BYTES // 8) for _ in range(cores)]
    targets = [np.ones_like(source) for source in sources]

    def copy(core: int) -> int:
        np.copyto(targets[core], sources[core])
        return COPIED_BYTES

    return rate(copy, cores)[1]


def sparse_rate(matrix: csr_array) -> float:
    """Add a sparse matrix's entries to a dense row: products and sums per second on all cores, float64."""
    cores = usable_cores()
    ends = [min(matrix.nnz, MOST_ENTRIES * (core + 1)) for core in range(cores)]
    parts = [slice(min(end, max(0, end - MOST_ENTRIES)), end) for end in ends]
    columns, values = matrix.indices.astype(np.int32, copy=False), matrix.data.astype(np.float64, copy=False)
    rows = [np.zeros(matrix.shape[1]) for _ in parts]
    return rate(lambda core: add_entries(columns[parts[core]], values[parts[core]], rows[core]), cores)[1]


def line_rate(width: int, dtype: type[np.floating[Any]] = np.float32) -> float:
    """Add dense rows to dense rows that lie in the caches: products and sums per second on all cores."""
    cores = usable_cores()
    lines = [np.ones((2, width), dtype=dtype) for _ in range(cores)]
    return rate(lambda core: add_lines(*lines[core], LINES), cores)[1]


def gram_rate(n_rows: int, width: int) -> float:
    """Multiply a dense matrix with its transpose, by torch on its threads: products and sums per second, float32."""
    import torch  # noqa: PLC0415  # which a Spark job's process is spared

    rows = torch.ones(n_rows, width)
    return rate(lambda _: (rows.T @ rows).shape[0] * n_rows * width, 1)[1]


def encoding_rate(sample: Sample, product: str) -> float:
    """Encode rows of a product as Parquet in memory, as leadterm's files are: nonzeros per second on all cores."""
    manifest = read_manifest(sample.location, product)
    first = max(manifest.files, key=lambda entry: entry.bytes)
    table = pq.read_table(sample.folder / product / first.name)
    ends = np.cumsum(pa.compute.list_value_length(table["cols"]).to_numpy())
    table = table[: 1 + int(np.searchsorted(ends, MOST_ENTRIES))].combine_chunks()
    entries = int(pa.compute.sum(pa.compute.list_value_length(table["cols"])).as_py())
    options: dict[str, Any] = {"compression": "zstd", **(FLOATS if Product(product).averages else INTEGERS)}

    def encode(_: int) -> int:
        pq.write_table(table, pa.BufferOutputStream(), use_dictionary=False, write_page_checksum=True, **options)
        return entries

    return rate(encode, usable_cores())[1]


def rate(work: Callable[[int], int], cores: int) -> tuple[int, float]:
    """Do a share of some work on each core at the same time: what was done in all, and that by the least time."""
    times = []
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(REPEATS):
            started = time.perf_counter()
            done = sum(pool.map(work, range(cores)))
            times.append(time.perf_counter() - started)
    return done, done / min(times)
