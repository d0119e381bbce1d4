"""Alignment of one layer with the paper's predictors: leadterm, and covariances laid out, tokens x tokens.

Streams and heads are random, of SmolLM2-135M's sizes: what a score costs does not depend on its value. Both go over the
most frequent tokens of a real corpus, on as many threads as torch takes.
"""

import time
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.bench import Bench
from benchmarks.floors import alignment_floor
from benchmarks.gate import GateError
from benchmarks.memory import sampled_memory
from benchmarks.samples import Sample
from leadterm.alignment import PAPER, Evaluator, Predictor, predictor_operators, prepare
from leadterm.axes import Axis
from leadterm.operators import Operator, SparseOperator
from leadterm.run.open_run import Run, open_run
from leadterm.theory import restricted_matrix

SAMPLES = ("large",)
WIDTH, HEADS, D_HEAD = 576, 9, 64
TOLERANCE = 1e-9
"""Of scores in float64: a cosine sums n^2 products, whose rounding is far below n eps = 1e-12 for the gate's tokens."""
GATE_TOKENS = 1000
NAMES = ("query_key", "value")


def run_part(bench: Bench) -> dict[str, Any]:
    """Require the same scores in float64, then measure both in float32, leadterm also where the direct way cannot."""
    bench.make_counts(SAMPLES, composed=True)
    sample, sizes = bench.samples["large"], bench.alignment_tokens
    accuracy = {"covariances laid out": bench.call(check_scores, sample, GATE_TOKENS)}
    found = [bench.call(partial(measure, direct=size != sizes[-1]), sample, size, bench.repeats) for size in sizes]
    return {"accuracy": accuracy, "alignment": found, "floors": [found[-1]["floor"]]}


@dataclass(frozen=True, eq=False)
class RandomLayer:
    """Streams (tokens, d_model) around a mean that all tokens share, and query heads of which three share a key."""

    pre: torch.Tensor
    mid: torch.Tensor
    post: torch.Tensor
    query: torch.Tensor
    key: torch.Tensor
    number: int = 0

    @property
    def read(self) -> torch.Tensor:
        """The input, divided by its root mean square."""
        return self.pre * torch.rsqrt(self.pre.square().mean(-1, keepdim=True) + 1e-12)


def random_layer(n_tokens: int, dtype: torch.dtype) -> RandomLayer:
    """Draw a layer."""
    random = torch.Generator().manual_seed(0)
    streams = (torch.randn(n_tokens, WIDTH, generator=random) + torch.randn(WIDTH, generator=random) for _ in range(3))
    query = torch.randn(HEADS, WIDTH, D_HEAD, generator=random)
    key = torch.randn(HEADS // 3, WIDTH, D_HEAD, generator=random).repeat_interleave(3, 0)
    return RandomLayer(*(part.to(dtype) for part in (*streams, query, key)))


def operators(sample: Sample, n_tokens: int, dtype: str) -> dict[str, Operator]:
    """Give the predictors over the most frequent tokens, or all."""
    run = open_run(sample.folder)
    tokens = frequent(run, n_tokens)
    matrix = restricted_matrix(run.query_key(), tokens)
    query_key = SparseOperator(matrix, (Axis.CURRENT, Axis.CONTEXT), dtype=dtype)
    found = predictor_operators(run.basis(dtype=dtype, tokens=tokens), query_key)
    return {name: found[name] for name in NAMES}


def frequent(run: Run, n_tokens: int) -> NDArray[np.int64]:
    """Choose the most frequent tokens, or all."""
    return np.sort(np.argsort(-run.vocabulary["count"].to_numpy(), kind="stable")[:n_tokens])


def nonzeros(sample: Sample, n_tokens: int) -> dict[str, int]:
    """Count the entries of the sparse matrices that each predictor is made of."""
    run = open_run(sample.folder)
    matrices = (run.query_key(), run.bigram_counts(), run.context_weights())
    query_key, *basis = (restricted_matrix(matrix, frequent(run, n_tokens)).nnz for matrix in matrices)
    return {"query_key": query_key, "value": sum(basis)}


def measure(sample: Sample, n_tokens: int, repeats: int, *, direct: bool) -> dict[str, Any]:
    """Time what is prepared once, then a layer, and a layer the direct way."""
    found = operators(sample, n_tokens, "float32")
    layer = random_layer(found["value"].shape[0], torch.float32)
    with sampled_memory() as peaks:
        started = time.perf_counter()
        predictors = [prepare(name, operator) for name, operator in found.items()]
        prepared = time.perf_counter() - started
        seconds = [_seconds(lambda: Evaluator(predictors, PAPER).score(layer)) for _ in range(repeats)]
    result = {"tokens": n_tokens, "prepare_seconds": prepared, "seconds": seconds, "memory": peaks.total}
    floor = alignment_floor(len(layer.pre), WIDTH, nonzeros(sample, n_tokens))
    result["floor"] = floor.reached(median(seconds), len(layer.pre), peaks.total)
    if direct:
        dense = {name: operator.to_dense(max_bytes=2**36) for name, operator in found.items()}
        with sampled_memory() as peaks:
            result["direct_seconds"] = _seconds(lambda: direct_scores(layer, dense))
        result["direct_memory"] = peaks.total
        result["ratio"] = result["direct_seconds"] / median(seconds)
    return result


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def direct_scores(layer: RandomLayer, dense: dict[str, torch.Tensor]) -> list[float]:
    """Score by the definition: every covariance n x n, as it is and double-centred; raw before centred."""
    attention = [layer.pre @ query @ key.T @ layer.pre.T for query, key in zip(layer.query, layer.key, strict=True)]
    mean = sum(attention[1:], attention[0]) / HEADS
    predictors = {}
    for name in NAMES:
        norms = torch.linalg.vector_norm(dense[name], dim=1, keepdim=True)
        predictors[name] = _both(dense[name] / torch.where(norms > 0, norms, 1))
    scores = []
    for name, matrix in [
        *(("query_key", part) for part in (mean, *attention)),
        *(("value", stream) for stream in (layer.pre, layer.mid, layer.post)),
    ]:
        scores += [_cosine(*pair) for pair in zip(_both(matrix), predictors[name], strict=True)]
    return scores


def _both(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the covariance of the rows, and its double-centred form."""
    square = torch.cov(matrix)
    return square, square - square.mean(0) - square.mean(1, keepdim=True) + square.mean()


def _cosine(left: torch.Tensor, right: torch.Tensor) -> float:
    products = torch.dot(left.ravel(), right.ravel())
    return float(products / torch.linalg.vector_norm(left) / torch.linalg.vector_norm(right))


def check_scores(sample: Sample, n_tokens: int) -> str:
    """Compare all scores of a layer, in float64."""
    found = operators(sample, n_tokens, "float64")
    layer = random_layer(found["value"].shape[0], torch.float64)
    predictors: list[Predictor] = [prepare(name, operator) for name, operator in found.items()]
    ours = {
        (one.component, one.head, one.metric): one.score for one in Evaluator(predictors, PAPER).score(layer)
    }  # fmt: skip
    order = [("qk", None), *(("qk", head) for head in range(HEADS)), *((name, None) for name in ("pre", "mid", "post"))]
    theirs = direct_scores(layer, {name: operator.to_dense() for name, operator in found.items()})
    keys = [(component, head, metric) for component, head in order for metric in ("raw", "centred")]
    return require_close(ours, dict(zip(keys, theirs, strict=True)))


def require_close(ours: dict[Any, float], theirs: dict[Any, float]) -> str:
    """Refuse scores that differ by more than rounding.

    Raises
    ------
    GateError
        Names the worst.
    """
    worst = max(theirs, key=lambda key: abs(ours[key] - theirs[key]))
    error = abs(ours[worst] - theirs[worst])
    if not error <= TOLERANCE:
        raise GateError(f"the score of {worst} is off by {error:.1e}; at most {TOLERANCE:g} is rounding")
    return f"{len(theirs)} scores of a layer, {error:.1e} apart at most"
