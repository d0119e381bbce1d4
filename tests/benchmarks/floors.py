"""What each stage would need at least on this machine: two floors, of its operations and of the bytes it moves.

A floor is a number from the corpus's own figures, divided by a rate measured in the same run on the same cores
(:mod:`benchmarks.rates`). The larger of the two is the least time; its share of the stage's wall time is what the stage
reaches. Operations of encoding and merging are divided by the rates of the tokenizer library and of pyarrow: practical
bounds, not the machine's.

====== ======================================================= ========================================================
stage  operations                                              bytes, at the rate of copying memory
====== ======================================================= ========================================================
encode tokens, by the library's own batch call                 texts and files read, windows written
count  an addition a pair of a position and a context token    windows read, 12 bytes a distinct pair written
merge  distinct pairs, encoded by pyarrow                      12 bytes a distinct pair read, files written
compose a product and a sum a term of B Phi, and of B'K at     the files, 12 bytes a distinct pair, 8 a score
       pairs that occur
attend a look-up and an addition a pair                        windows and scores read, 12 bytes a distinct pair written
align  a product and a sum for each nonzero and dimension, and the streams, and 8 bytes a nonzero for each product
       for the Gram matrices
====== ======================================================= ========================================================
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from benchmarks import rates
from benchmarks.machine import usable_cores
from benchmarks.measure import Measurement
from benchmarks.samples import Sample
from leadterm.counting import attention_unit, count_unit, plan_memory, reciprocal_weights
from leadterm.counting.positions import CURRENT, NEXT
from leadterm.storage import read_manifest

DENSE_COLUMNS, FULL = 512, 10
"""Columns of a dense row that lies in a core's cache; and a row is full that has an entry for so many columns."""
BYTES_PER_NONZERO = 12
"""Column int32 and value int64 or float64."""
KERNEL_TOKENS = 30_000_000
"""At most, for kernels by themselves: less than a task's memory takes at once by default."""


@dataclass(frozen=True)
class Work:
    """Operations of one kind.

    Attributes
    ----------
    what
        As the report has it.
    number, per_second
        How many, and how many this machine does.
    """

    what: str
    number: int
    per_second: float

    @property
    def seconds(self) -> float:
        """For all."""
        return self.number / self.per_second


@dataclass(frozen=True)
class Floor:
    """The least that a stage has to do.

    Attributes
    ----------
    stage
        Its name.
    operations
        Of each kind; they take turns.
    moved
        Bytes.
    copied_per_second
        Bytes.
    """

    stage: str
    operations: tuple[Work, ...]
    moved: int
    copied_per_second: float

    def reached(self, seconds: float, tokens: int, memory: int) -> dict[str, Any]:
        """Say what share of the time that a stage took is the larger of its floors."""
        operations, moving = sum(work.seconds for work in self.operations), self.moved / self.copied_per_second
        kinds = [{"what": work.what, "number": work.number, "per_second": work.per_second} for work in self.operations]
        return {
            "stage": self.stage,
            "seconds": seconds,
            "tokens_per_second": tokens / seconds,
            "memory": memory,
            "operations": kinds,
            "operations_seconds": operations,
            "bytes": self.moved,
            "copied_per_second": self.copied_per_second,
            "bytes_seconds": moving,
            "share": max(operations, moving) / seconds,
        }


def reached(floors: Sequence[Floor], measured: Measurement) -> list[dict[str, Any]]:
    """Set the floors of a job's stages against what they took, and those of the whole job.

    Where the log shows other stages, only the job is told.
    """
    stages = measured.stages if len(measured.stages) == len(floors) else []
    found = [
        floor.reached(stage["wall_seconds"], measured.tokens, stage["memory"])
        for floor, stage in zip(floors, stages, strict=False)
    ]
    operations = tuple(work for floor in floors for work in floor.operations)
    name = "whole job" if len(floors) > 1 else floors[0].stage
    job = replace(floors[0], stage=name, operations=operations, moved=sum(floor.moved for floor in floors))
    return [*found, job.reached(measured.median, measured.tokens, measured.memory["total"])]


def encoding_floor(sample: Sample, text_bytes: int, tokens_per_second: float, copied: float) -> Floor:
    """Describe encoding; the rate is that of the engine alone, on all cores and texts in memory."""
    moved = text_bytes + _file_bytes(sample, "windows") + read_manifest(sample.location, "sources").counts["bytes"]
    return Floor("encode", (Work("tokens by the engine", sample.sizes["tokens"], tokens_per_second),), moved, copied)


def counting_floors(sample: Sample) -> dict[str, Any]:
    """Measure the rates that limit counting, and leadterm's kernels without Spark; ``floors`` and ``kernel``."""
    size, length = sample.sizes["vocabulary_size"], sample.sizes["length"]
    weights = reciprocal_weights(length, 32)
    scattered = rates.pair_rate(sample.flat_windows(), size, rates.scatter, NEXT, weights, usable_cores())
    floors = _floors(sample, "count", Work("additions", *scattered), ("bigram", "context"))
    windows = first_windows(sample)
    kernel = _kernel(
        len(windows[0]),
        lambda: rates.pair_rate(windows, size, rates.scatter, NEXT, weights, 1),
        lambda _: _exhausted(count_unit(*windows, size, weights, 2**19)),
    )
    return {"floors": floors, "kernel": kernel}


def attention_floors(sample: Sample) -> dict[str, Any]:
    """Measure the rates that limit attention, and leadterm's kernels without Spark."""
    from benchmarks.gate_attention import job_scores  # noqa: PLC0415  # imports torch

    size, length = sample.sizes["vocabulary_size"], sample.sizes["length"]
    row = np.ones(size, dtype=np.int64)
    looked_up = rates.pair_rate(sample.flat_windows(), size, rates.gather_scatter, CURRENT, row, usable_cores())
    floors = _floors(sample, "attend", Work("look-ups and additions", *looked_up), ("query_key",), ("composed",))
    windows, scores = first_windows(sample), job_scores(sample)
    memory = plan_memory(sample.config.counting.memory_per_task, size, length, attention=True)
    kernel = _kernel(
        len(windows[0]),
        lambda: rates.pair_rate(windows, size, rates.gather_scatter, CURRENT, row, 1),
        lambda _: _exhausted(attention_unit(*windows, length, scores, memory)),
    )
    return {"floors": floors, "kernel": kernel}


def composition_floor(sample: Sample) -> Floor:
    """Count the terms of both products, and measure the rates of adding rows: full ones as dense, others as sparse."""
    import leadterm  # noqa: PLC0415

    run = leadterm.open_run(sample.folder)
    bigram, context = run.bigram_counts(), run.context_weights()
    dense, sparse = composition_terms(bigram, context)
    moved = sum(_file_bytes(sample, product) for product in ("bigram", "context", "composed"))
    moved += BYTES_PER_NONZERO * (bigram.nnz + context.nnz) + 8 * context.nnz
    operations = (
        Work("products, dense", dense, rates.line_rate(DENSE_COLUMNS, np.float64)),
        Work("products, sparse", sparse, rates.sparse_rate(context)),
    )
    return Floor("compose", operations, moved, rates.copy_rate())


def composition_terms(bigram: csr_array, context: csr_array) -> tuple[int, int]:
    """Count the products of B Phi, which takes row c of Phi for each nonzero of column c of B, and of B'K at the pairs.

    First those of rows with an entry in every tenth column or more, then the others.

    The latter are as many: an entry (c, b) of Phi is a pair that occurs, and its sum goes over column c of B.
    """
    used = np.bincount(bigram.indices, minlength=bigram.shape[1])
    lengths = np.diff(context.indptr).astype(np.int64)
    full = lengths * FULL >= context.shape[1]
    return 2 * int(used[full] @ lengths[full]), 2 * int(used[~full] @ lengths[~full])


def alignment_floor(n_tokens: int, width: int, nonzeros: dict[str, int]) -> Floor:
    """Describe the scoring of a layer: its input with both predictors, the two other streams with one."""
    entries = nonzeros["query_key"] + 3 * nonzeros["value"]
    operations = (
        Work("products, sparse", entries * width, rates.line_rate(width)),
        Work("products, dense", 4 * n_tokens * width**2, rates.gram_rate(n_tokens, width)),
    )
    return Floor("align", operations, 8 * entries + 3 * 4 * n_tokens * width, rates.copy_rate())


def first_windows(sample: Sample) -> rates.Windows:
    """Take the first windows."""
    tokens, offsets = sample.flat_windows()
    last = max(1, int(np.searchsorted(offsets, KERNEL_TOKENS, side="right")) - 1)
    return tokens[: offsets[last]], offsets[: last + 1]


def _floors(
    sample: Sample, stage: str, pairs: Work, matrices: Sequence[str], read: Sequence[str] = ()
) -> tuple[Floor, Floor]:
    """Describe the two stages of a counting job."""
    nonzeros = {product: read_manifest(sample.location, product).counts["nonzeros"] for product in matrices}
    moved, copied = BYTES_PER_NONZERO * sum(nonzeros.values()), rates.copy_rate()
    encoded = tuple(
        Work(f"{product} encoded", number, rates.encoding_rate(sample, product))
        for product, number in nonzeros.items()
    )  # fmt: skip
    files_read = sum(_file_bytes(sample, product) for product in ("windows", *read))
    files_written = sum(_file_bytes(sample, product) for product in matrices)
    return Floor(stage, (pairs,), moved + files_read, copied), Floor("merge", encoded, moved + files_written, copied)


def _exhausted(rows: Iterable[object]) -> int:
    """Use and drop rows; once."""
    for _ in rows:
        pass
    return 1


def _kernel(n_tokens: int, loop: Callable[[], tuple[int, float]], work: Callable[[int], int]) -> dict[str, float]:
    """Set a kernel by itself against the loop that is its floor, measured before and after it, both on one core."""
    before, (_, times_per_second), after = loop(), rates.rate(work, 1), loop()
    pairs, per_second = max(before, after)
    return {
        "tokens_per_second": n_tokens * times_per_second,
        "pairs_per_second": per_second,
        "share": pairs * times_per_second / per_second,
    }


def _file_bytes(sample: Sample, product: str) -> int:
    return sum(entry.bytes for entry in read_manifest(sample.location, product).files)
