"""All four predicted weights of a small corpus, from dense formulas: what training is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.config import TrainingSection
from leadterm.operators import Operator, SparseOperator
from leadterm.theory import Gaussian, PerWeight, predicted_weights
from support.dense_attention import dense_attention, dense_composed, dense_scores
from support.dense_theory import count


@dataclass(frozen=True)
class DensePrediction:
    """Predicted weights with the attention terms; ``replace`` leaves some out."""

    output: Operator | None
    value: Operator | None
    query_key: Operator | None
    position: torch.Tensor | None
    extent: float
    has_bounds: bool
    bounds: PerWeight
    within_theorem: bool
    initialisation: Gaussian | None
    gradients: Mapping[str, Operator] = field(default_factory=dict)

    def without(self, *kinds: str) -> DensePrediction:
        return replace(self, **dict.fromkeys(kinds))


def as_operator(matrix: np.ndarray, rows: Axis, columns: Axis) -> Operator:
    return SparseOperator(sparse.csr_array(matrix), (rows, columns))


class Predictor:
    """The prediction after any number of steps, for windows whose statistics are taken once."""

    def __init__(
        self,
        windows: list[list[int]],
        size: int,
        length: int,
        rate: float,
        layers: int,
        initialisation: Gaussian | None = None,
    ) -> None:
        self.size, self.length, self.rate, self.layers = size, length, rate, layers
        self.initialisation = initialisation
        counts = count(windows, size)
        self._basis = counts.basis()
        composed = dense_composed(
            counts.bigram_counts, counts.context_weights, counts.alpha, counts.rho, counts.n_positions, size
        )
        self.query_key, self.position = dense_attention(windows, dense_scores(composed, size), length)
        self.bigram, self.context = counts.uniform()
        self.alpha = counts.alpha

    def __call__(self, steps: int) -> DensePrediction:
        settings = steps, self.rate, self.layers, self.length
        weights = predicted_weights(self._basis, *settings, initialisation=self.initialisation)
        scale = weights.coefficients
        return DensePrediction(
            weights.output,
            weights.value,
            as_operator(scale.query_key * self.query_key, Axis.CURRENT, Axis.CONTEXT),
            torch.from_numpy(scale.position * self.position),
            weights.extent,
            weights.has_bounds,
            weights.bounds,
            weights.within_theorem,
            weights.initialisation,
        )


@cache
def small_corpus(seed: int = 3, size: int = 9, length: int = 6, n_windows: int = 7) -> tuple[tuple[int, ...], ...]:
    """Ragged windows of 2 to length + 1 tokens; the first has them all."""
    random = np.random.default_rng(seed)
    lengths = [length + 1, *random.integers(2, length + 2, size=n_windows - 1)]
    return tuple(tuple(int(token) for token in random.integers(size, size=n) ** 2 % size) for n in lengths)


def settings(**changes: Any) -> TrainingSection:
    """Training settings for tests: two layers, exact numbers."""
    return TrainingSection(**{"layers": 2, "learning_rate": 0.3, "steps": 4, "dtype": "float64", **changes})
