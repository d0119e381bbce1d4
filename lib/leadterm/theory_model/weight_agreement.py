"""How close trained weights are to predicted ones: cosine, ratio of norms, relative error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from leadterm.axes import Axis
from leadterm.errors import AxisError
from leadterm.operators import Operator
from leadterm.theory import Gaussian, PerWeight
from leadterm.theory_model.transformer import KINDS, Transformer

AXES = {
    "output": (Axis.CURRENT, Axis.NEXT),
    "value": (Axis.CONTEXT, Axis.CURRENT),
    "query_key": (Axis.CURRENT, Axis.CONTEXT),
}
"""What rows and columns of the model's matrices mean; a prediction of other axes is refused."""

WORKSPACE = 64 * 2**20
"""Bytes for a block of predicted rows and what is made of them."""

BYTES_PER_ENTRY = 64
"""What an entry of a block takes at most: 40 bytes while a sparse operator lays its rows out, float64 copies after."""


class Prediction(Protocol):
    """What training is compared with: a prediction of each weight, the same for every layer or one for each.

    ``leadterm.theory.PredictedWeights`` is one. None stands for a weight that was not predicted.
    """

    @property
    def output(self) -> Operator | None:
        """W_O, shape (V, V), [CURRENT x NEXT]."""

    @property
    def value(self) -> Operator | tuple[Operator, ...] | None:
        """V, shape (V, V), [CONTEXT x CURRENT]; one, or one for each layer."""

    @property
    def query_key(self) -> Operator | None:
        """W, shape (V, V), [CURRENT x CONTEXT]."""

    @property
    def position(self) -> torch.Tensor | None:
        """P, shape (T,), by distance query minus key."""

    @property
    def has_bounds(self) -> bool:
        """Whether a theorem speaks of it; only then it has `bounds`."""

    @property
    def bounds(self) -> PerWeight:
        """On the Frobenius norm of weight minus prediction."""

    @property
    def within_theorem(self) -> bool:
        """Whether the bounds are proved for these settings."""

    @property
    def initialisation(self) -> Gaussian | None:
        """The initial weights that `within_theorem` is about; None: all zero."""


Term = Operator | torch.Tensor
"""The prediction of one weight."""


@dataclass(frozen=True)
class Agreement:
    """How one trained weight compares with its prediction.

    Attributes
    ----------
    weight : {"output", "value", "query_key", "position"}
        Which weight.
    layer : int or None
        1 to L; None for the output.
    cosine : float
        <w, p> / (|w| |p|); nan where one of the two is zero.
    norm_ratio : float
        |w| / |p|; nan where the prediction is zero.
    relative_error : float
        |w - p| / |p|; nan where the prediction is zero.
    error_norm : float
        |w - p|, what the theorem bounds.
    """

    weight: str
    layer: int | None
    cosine: float
    norm_ratio: float
    relative_error: float
    error_norm: float


@dataclass(frozen=True)
class AgreementSums:
    """Sums of products of entries, in float64: <w, p>, |w|^2, |p|^2 and |w - p|^2.

    The last is summed by itself: |w|^2 - 2 <w, p> + |p|^2 would cancel where the two agree.
    """

    inner: float
    weight_square: float
    prediction_square: float
    error_square: float

    @property
    def coefficient(self) -> float:
        """<w, p> / <p, p>, how much of the prediction is in the weight; 0 where the prediction is zero."""
        return self.inner / self.prediction_square if self.prediction_square > 0 else 0.0

    @property
    def cosine(self) -> float:
        """<w, p> / (|w| |p|), nan where one of the two is zero."""
        norms = math.sqrt(self.weight_square) * math.sqrt(self.prediction_square)
        return self.inner / norms if norms > 0 else math.nan

    def relative(self, square: float) -> float:
        """Return the root of a sum of squares over |p|, nan where the prediction is zero."""
        return math.sqrt(square) / math.sqrt(self.prediction_square) if self.prediction_square > 0 else math.nan


def agreements(model: Transformer, prediction: Prediction, memory_bytes: int = WORKSPACE) -> tuple[Agreement, ...]:
    """Compare every weight of every layer that has a prediction.

    Parameters
    ----------
    model : Transformer
        As trained.
    prediction : Prediction
        Of the same vocabulary and context length.
    memory_bytes : int
        What a block of rows may take; a prediction is never laid out as a whole.

    Returns
    -------
    tuple of Agreement
        Output first, then each kind layer by layer.

    Raises
    ------
    AxisError
        If a prediction's axes or sizes are not those of the model's weight.
    """
    return tuple(
        Agreement(
            one.kind,
            one.layer,
            cosine=one.sums.cosine,
            norm_ratio=one.sums.relative(one.sums.weight_square),
            relative_error=one.sums.relative(one.sums.error_square),
            error_norm=math.sqrt(one.sums.error_square),
        )
        for one in compared(model, prediction, memory_bytes)
    )


@dataclass(frozen=True, eq=False)
class Compared:
    """A trained weight, what was predicted of it, and the sums of both."""

    kind: str
    layer: int | None
    weight: torch.Tensor
    term: Term
    sums: AgreementSums


def compared(model: Transformer, prediction: Prediction, memory_bytes: int = WORKSPACE) -> Iterator[Compared]:
    """Compare every weight that has a prediction; one that is the same in all layers is computed once."""
    for kind in KINDS:
        terms = getattr(prediction, kind)
        if terms is None:
            continue
        layers, weights = weights_of(model, kind)
        if isinstance(terms, tuple):
            sums = [compare([weight], kind, term, memory_bytes)[0] for weight, term in zip(weights, terms, strict=True)]
        else:
            sums = compare(weights, kind, terms, memory_bytes)
            terms = (terms,) * len(layers)
        yield from map(Compared, (kind,) * len(layers), layers, weights, terms, sums)


def weights_of(model: Transformer, kind: str) -> tuple[list[int | None], list[torch.Tensor]]:
    """Return the layers that a kind of weight has, and its tensors."""
    chosen = [(layer, weight.detach()) for name, layer, weight in model.weights() if name == kind]
    return [layer for layer, _ in chosen], [weight for _, weight in chosen]


def compare(
    weights: Sequence[torch.Tensor], kind: str, term: Term, memory_bytes: int = WORKSPACE
) -> list[AgreementSums]:
    """Return the moments of some weights with one prediction, whose rows are computed once for all of them."""
    sums = torch.zeros(len(weights), 4, dtype=torch.float64)
    for rows, predicted in term_blocks(kind, term, weights[0].shape, memory_bytes):
        for number, weight in enumerate(weights):
            trained = weight[rows].to(dtype=torch.float64, device=predicted.device)
            error = trained - predicted
            pairs = ((trained, predicted), (trained, trained), (predicted, predicted), (error, error))
            sums[number] += torch.stack([torch.sum(left * right) for left, right in pairs]).cpu()
    return [AgreementSums(*total) for total in sums.tolist()]


def term_blocks(
    kind: str, term: Term, shape: torch.Size, memory_bytes: int = WORKSPACE
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield a prediction as slices of rows and dense blocks in float64, within the memory given; one row at least.

    Raises
    ------
    AxisError
        If its axes or sizes are not those of the weight.
    """
    if tuple(term.shape) != tuple(shape):
        raise AxisError(
            f"the predicted {kind} has shape {tuple(term.shape)}, the model's weight {tuple(shape)}: train a model of "
            "the vocabulary and context length that the prediction is for (all tokens kept)."
        )
    if isinstance(term, torch.Tensor):
        yield slice(0, len(term)), term.detach().to(torch.float64)
        return
    if term.axes != AXES[kind]:
        row, column = AXES[kind]
        raise AxisError(f"{term!r} cannot predict {kind}, which is {row} x {column}. Give its transpose (.T).")
    height = max(1, memory_bytes // (BYTES_PER_ENTRY * shape[1]))
    for start in range(0, shape[0], height):
        stop = min(start + height, shape[0])
        yield slice(start, stop), term.rows(range(start, stop)).to(torch.float64)
