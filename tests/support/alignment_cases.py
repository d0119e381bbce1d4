"""Predictors of small corpora, as operators and as the dense matrices they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse

from leadterm.alignment import Predictor, predictor_operators, prepare
from leadterm.axes import Axis
from leadterm.operators import Operator, SparseOperator
from support.dense_attention import dense_attention, dense_composed, dense_scores
from support.dense_theory import count, random_windows

LENGTH = 11


@dataclass(frozen=True, eq=False)
class Corpus:
    """Operators by name, the same as dense arrays, and the windows they were counted from."""

    operators: dict[str, Operator]
    dense: dict[str, np.ndarray]
    windows: list[list[int]]

    def prepared(self, *names: str, **options: Any) -> list[Predictor]:
        return [prepare(name, self.operators[name], **options) for name in names or self.operators]


@cache
def small_corpus(used: int = 34, size: int = 40, dtype: str = "float64") -> Corpus:
    """Count windows in which the last tokens of the vocabulary do not occur."""
    windows = random_windows(60, LENGTH, used, seed=5)
    dense = dense_predictors(windows, size, LENGTH)
    operator = SparseOperator(sparse.csr_array(dense["query_key"]), (Axis.CURRENT, Axis.CONTEXT), dtype=dtype)
    return Corpus(predictor_operators(count(windows, size).basis(dtype=dtype), operator), dense, windows)


def dense_predictors(windows: list[list[int]], size: int, length: int) -> dict[str, np.ndarray]:
    """Compute every matrix that checkpoints are compared with, by its definition."""
    statistics = count(windows, size)
    bigram, context = statistics.uniform()
    parts = (statistics.bigram_counts, statistics.context_weights, statistics.alpha, statistics.rho)
    scores = dense_scores(dense_composed(*parts, statistics.n_positions, size), size)
    return {
        "query_key": dense_attention(windows, scores, length)[0],
        "value": context.T @ bigram.T,
        "bigram": bigram,
        "bigram.T": bigram.T,
        "context": context,
        "context.T": context.T,
        "interchange": bigram.T @ bigram,
    }
