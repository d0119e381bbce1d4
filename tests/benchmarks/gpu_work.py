"""The computations that ``make gpu`` measures, each checked against the CPU before."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.alignment import HEADS, WIDTH, random_layer
from benchmarks.gate import GateError
from benchmarks.gate_trainer import LAYERS, RATE, compare_weights
from leadterm.alignment import PAPER, Evaluator, prepare
from leadterm.axes import Axis
from leadterm.config import TrainingSection
from leadterm.counting import Statistic, count_unit, reciprocal_weights
from leadterm.operators import SparseOperator
from leadterm.pipeline.compose_weights import PairStatistics, compose_scores
from leadterm.pipeline.compose_weights.cuda import compose_scores_on
from leadterm.theory_model import Trainer
from leadterm.theory_model.training_device import precision

LENGTH = 128
"""T of the drawn windows."""
TRAINED_WINDOWS, TRAINED_LENGTH = 240, 64
SMALL = 1_000
"""Tokens of the vocabulary at which device and CPU are compared in float64."""


@dataclass(frozen=True)
class Rates:
    """What the device does at best: multiplications and additions a second by number type, bytes moved a second."""

    products: dict[str, float]
    copied: float


@dataclass(frozen=True)
class Case:
    """A computation: its floor is the larger of the time for its multiplications and for its bytes.

    The remark is whatever else was measured of it.
    """

    name: str
    size: str
    cpu_seconds: float
    seconds: float
    error: float
    flops: float
    floor_seconds: float
    remark: str = ""


def measure_rates(device: torch.device, side: int, dtypes: Sequence[str]) -> Rates:
    """Measure dense products, and a copy of a matrix of that side."""

    def product(dtype: str) -> float:
        stored = torch.float32 if dtype == "tf32" else getattr(torch, dtype)
        matrix = torch.ones(side, side, dtype=stored, device=device)
        with precision(TrainingSection(dtype=dtype, device=device.type)):
            return 2 * side**3 / fastest(lambda: matrix @ matrix, device, 3)

    source = torch.ones(side, side, dtype=torch.float64, device=device)
    target = torch.empty_like(source)
    copied = 2 * 8 * side**2 / fastest(lambda: target.copy_(source), device, 3)
    return Rates({dtype: product(dtype) for dtype in dtypes}, copied)


def fastest(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Time some work, of which nothing is left to do when the clock is read; once before, to warm up."""

    def seconds() -> float:
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    seconds()
    return min(seconds() for _ in range(repeats))


def draw_windows(size: int, tokens: int, length: int = LENGTH) -> NDArray[np.int32]:
    """Draw windows of a Zipf law: int32 (windows, length + 1)."""
    chances = 1 / np.arange(1, size + 1)
    random = np.random.default_rng(0)
    drawn = random.choice(size, (max(1, tokens // (length + 1)), length + 1), p=chances / chances.sum())
    return drawn.astype(np.int32)


def draw_matrices(size: int, tokens: int) -> tuple[csr_array, csr_array, int]:
    """Count drawn windows: the bigram and the context matrix, and the positions."""
    windows = draw_windows(size, tokens)
    offsets = np.arange(len(windows) + 1, dtype=np.int64) * windows.shape[1]
    weights, parts = reciprocal_weights(LENGTH, 32), {Statistic.BIGRAM: [], Statistic.CONTEXT: []}
    for statistic, rows in count_unit(windows.ravel(), offsets, size, weights, 2**19):
        if statistic in parts:
            keys = np.repeat(rows.keys, np.diff(rows.offsets))
            parts[statistic].append((rows.values.copy(), (keys, rows.columns.copy())))
    matrices = (
        sum((csr_array(part, shape=(size, size)) for part in pieces), csr_array((size, size), dtype=np.int64))
        for pieces in parts.values()
    )
    bigram, context = matrices
    return bigram, csr_array(context / 2.0**32), windows.size - len(windows)


def compose_case(device: torch.device, rates: Rates, size: int, tokens: int, repeats: int) -> Case:
    """Compose the scores of pairs."""

    def both(size: int, tokens: int) -> tuple[PairStatistics, Callable[[], Any], Callable[..., Any]]:
        bigram, context, positions = draw_matrices(size, tokens)
        statistics = PairStatistics.from_counts(bigram, context, positions)
        room = np.zeros(statistics.context.nnz)
        return (
            statistics,
            lambda: compose_scores(statistics, np.zeros_like(room), 2**32),
            lambda **options: compose_scores_on(device, statistics, np.zeros_like(room), **options),
        )

    _, here, there = both(SMALL, 100_000)
    expected, found = here().scores, there().scores
    error = float(np.abs(found - expected).max() / np.abs(expected).max())
    require(error, SMALL * 2.0**-52, "scores of pairs")  # sums of V products, twice
    statistics, here, there = both(size, tokens)
    # Two products of the bigram with V columns; K is written and read at least once, and pairs come and go.
    flops = 4 * statistics.bigram.nnz * size
    moved = 16 * size**2 + 24 * statistics.context.nnz
    alone = fastest(partial(there, in_flight=1), device, repeats)
    return Case(
        "compose scores, float64", f"V {size:,}, {tokens / 1e6:g} M tokens", fastest(here, torch.device("cpu"), 1),
        fastest(there, device, repeats), error, flops, max(flops / rates.products["float64"], moved / rates.copied),
        f"with one block in flight, so that device and host wait for each other, {alone:.3g} s; {compare_twice(there)}",
    )  # fmt: skip


def compare_twice(compose: Callable[[], Any]) -> str:
    """Say whether a device composes the same scores twice, to the bit: cuSPARSE does not promise it."""
    first, second = (compose().scores for _ in range(2))
    differ = int((first != second).sum())
    if not differ:
        return "computed twice, all bits are the same"
    error = float(np.abs(first - second).max() / np.abs(first).max())
    return f"computed twice, {differ / len(first):.1%} of the scores differ, by {error:.0e} of the largest at most"


def layer_case(device: torch.device, rates: Rates, size: int, tokens: int, dtype: str, repeats: int) -> Case:
    """Score a layer of SmolLM2's sizes against a sparse predictor and a product of two."""

    def scorer(size: int, tokens: int, dtype: str, where: torch.device) -> Callable[[], list[float]]:
        bigram, context, _ = draw_matrices(size, tokens)
        first = SparseOperator(bigram, (Axis.CURRENT, Axis.NEXT), dtype=dtype, device=where)
        second = SparseOperator(context, (Axis.NEXT, Axis.CONTEXT), dtype=dtype, device=where)
        operators = {"query_key": second, "value": second.T @ first.T}
        predictors = [prepare(name, one, norm="estimated") for name, one in operators.items()]
        layer = random_layer(size, getattr(torch, dtype))
        return lambda: [one.score for one in Evaluator(predictors, PAPER).score(layer)]

    cpu = torch.device("cpu")
    expected, found = (np.array(scorer(SMALL, 100_000, "float64", where)()) for where in (cpu, device))
    error = float(np.abs(found - expected).max())
    require(error, SMALL * 2.0**-52, "scores of a layer")  # a cosine sums n^2 products, and errs far below n eps
    here, there = (scorer(size, tokens, dtype, where) for where in (cpu, device))
    with FlopCounterMode(display=False) as counter:
        here()
    flops = counter.get_total_flops()
    moved = 3 * size * WIDTH * getattr(torch, dtype).itemsize  # each stream once
    return Case(
        f"score a layer, {dtype}", f"V {size:,}, {HEADS} heads", fastest(here, cpu, 1), fastest(there, device, repeats),
        error, flops, max(flops / rates.products[dtype], moved / rates.copied),
    )  # fmt: skip


def training_case(device: torch.device, rates: Rates, size: int, dtype: str, repeats: int) -> Case:
    """Train one step of gradient descent."""
    windows = draw_windows(size, TRAINED_WINDOWS * (TRAINED_LENGTH + 1), TRAINED_LENGTH).astype(np.int64)

    def trained(where: str, dtype: str, steps: int) -> Any:
        settings = TrainingSection(layers=LAYERS, learning_rate=RATE, steps=steps, dtype=dtype, device=where)
        trainer = Trainer(windows, size, TRAINED_LENGTH, settings)
        trainer.advance()
        return trainer.model

    model = trained("cpu", "float64", 3)
    error = compare_weights(trained(device.type, "float64", 3).cpu(), model)
    plain = dtype if dtype in ("float32", "float64") else "float32"
    with FlopCounterMode(display=False) as counter:
        trained("cpu", plain, 1)
    flops = counter.get_total_flops()
    return Case(
        f"a step of training, {dtype}", f"V {size:,}, {windows.size - len(windows):,} positions",
        fastest(lambda: trained("cpu", plain, 1), torch.device("cpu"), 1),
        fastest(lambda: trained(device.type, dtype, 1), device, repeats), error, flops, flops / rates.products[dtype],
    )  # fmt: skip


def require(error: float, tolerance: float, what: str) -> None:
    """Refuse an error that is more than rounding.

    Raises
    ------
    GateError
        Says how large it is.
    """
    if not error <= tolerance:
        raise GateError(f"{what}: device and CPU are {error:.1e} apart; at most {tolerance:.0e} is rounding")
