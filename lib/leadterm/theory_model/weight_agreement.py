"""How close trained weights are to predicted ones: cosine, ratio of norms, relative error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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

LAYERS_APART = "value, first less last layer"
"""The difference that layers grow, which is compared beside the weights themselves."""

WORKSPACE = 64 * 2**20
"""Bytes for a block of predicted rows and what is made of them."""

BYTES_PER_ENTRY = 64
"""What an entry of a block takes at most: 40 bytes while a sparse operator lays its rows out, float64 copies after."""


Term = Operator | torch.Tensor
"""The prediction of one weight."""


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
    def extent(self) -> float:
        """How far training has gone, as the prediction sees it."""

    @property
    def has_bounds(self) -> bool:
        """Whether a theorem speaks of it; only then it has `bounds`."""

    @property
    def bounds(self) -> PerWeight:
        """On the Frobenius norm of weight minus prediction."""

    @property
    def gradients(self) -> Mapping[str, Term]:
        """What gradients are multiples of, by the weight's name, where weights are no multiples of it."""

    @property
    def within_theorem(self) -> bool:
        """Whether the bounds are proved for these settings."""

    @property
    def initialisation(self) -> Gaussian | None:
        """The initial weights that `within_theorem` is about; None: all zero."""


@dataclass(frozen=True)
class Agreement:
    """How one trained weight compares with its prediction.

    Attributes
    ----------
    weight : {"output", "value", "query_key", "position"} or LAYERS_APART
        Which weight.
    layer : int or None
        1 to L; None for the output.
    cosine : float
        <w, p> / (|w| |p|); nan where one of the two is zero.
    weighted_cosine : float
        The same with each entry weighed by the size of its leading gradient: entries whose gradient is nearly 0 have a
        size under Adam that the next order decides.
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
    weighted_cosine: float
    norm_ratio: float
    relative_error: float
    error_norm: float


@dataclass(frozen=True)
class AgreementSums:
    """Sums of products of entries, in float64: <w, p>, |w|^2, |p|^2 and |w - p|^2, and the first three weighed by |g|.

    The fourth is summed by itself: |w|^2 - 2 <w, p> + |p|^2 would cancel where the two agree.
    """

    inner: float
    weight_square: float
    prediction_square: float
    error_square: float
    weighed_inner: float = 0.0
    weighed_weight_square: float = 0.0
    weighed_prediction_square: float = 0.0

    @property
    def coefficient(self) -> float:
        """<w, p> / <p, p>, how much of the prediction is in the weight; 0 where the prediction is zero."""
        return self.inner / self.prediction_square if self.prediction_square > 0 else 0.0

    @property
    def cosine(self) -> float:
        """<w, p> / (|w| |p|), nan where one of the two is zero."""
        return _cosine(self.inner, self.weight_square, self.prediction_square)

    @property
    def weighted_cosine(self) -> float:
        """The same with entries weighed by the size of their leading gradient."""
        return _cosine(self.weighed_inner, self.weighed_weight_square, self.weighed_prediction_square)

    def relative(self, square: float) -> float:
        """Return the root of a sum of squares over |p|, nan where the prediction is zero."""
        return math.sqrt(square) / math.sqrt(self.prediction_square) if self.prediction_square > 0 else math.nan


def _cosine(inner: float, *squares: float) -> float:
    """Return an inner product over two norms, nan where one of these is zero."""
    norms = math.prod(math.sqrt(square) for square in squares)
    return inner / norms if norms > 0 else math.nan


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
    return tuple(_agreement(one.kind, one.layer, one.sums) for one in compared(model, prediction, memory_bytes))


def layers_apart(model: Transformer, prediction: Prediction, memory_bytes: int = WORKSPACE) -> tuple[Agreement, ...]:
    """Compare the first less the last layer's value matrix with its prediction, where one says how layers differ."""
    terms = prediction.value
    if not isinstance(terms, tuple) or len(terms) < 2:
        return ()
    first, last = model.value[0].detach(), model.value[-1].detach()
    [sums] = compare([first - last], "value", terms[0] - terms[-1], memory_bytes)
    return (_agreement(LAYERS_APART, None, sums),)


def _agreement(weight: str, layer: int | None, sums: AgreementSums) -> Agreement:
    """Return what the sums of a weight say."""
    return Agreement(
        weight,
        layer,
        cosine=sums.cosine,
        weighted_cosine=sums.weighted_cosine,
        norm_ratio=sums.relative(sums.weight_square),
        relative_error=sums.relative(sums.error_square),
        error_norm=math.sqrt(sums.error_square),
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
        gradient = prediction.gradients.get(kind)
        if isinstance(terms, tuple):
            pairs = zip(weights, terms, strict=True)
            sums = [compare([weight], kind, term, memory_bytes, gradient)[0] for weight, term in pairs]
        else:
            sums = compare(weights, kind, terms, memory_bytes, gradient)
            terms = (terms,) * len(layers)
        yield from map(Compared, (kind,) * len(layers), layers, weights, terms, sums)


def weights_of(model: Transformer, kind: str) -> tuple[list[int | None], list[torch.Tensor]]:
    """Return the layers that a kind of weight has, and its tensors."""
    chosen = [(layer, weight.detach()) for name, layer, weight in model.weights() if name == kind]
    return [layer for layer, _ in chosen], [weight for _, weight in chosen]


def compare(
    weights: Sequence[torch.Tensor],
    kind: str,
    term: Term,
    memory_bytes: int = WORKSPACE,
    gradient: Term | None = None,
) -> list[AgreementSums]:
    """Return the sums of some weights with one prediction, whose rows are computed once for all of them.

    Entries are weighed by the leading gradient, by default by the prediction, which is a multiple of it.
    """
    sums = torch.zeros(len(weights), 7, dtype=torch.float64)
    shape = weights[0].shape
    gradients = None if gradient is None else term_blocks(kind, gradient, shape, memory_bytes)
    for rows, predicted in term_blocks(kind, term, shape, memory_bytes):
        scale = (predicted if gradients is None else next(gradients)[1]).abs()
        for number, weight in enumerate(weights):
            trained = weight[rows].to(dtype=torch.float64, device=predicted.device)
            error = trained - predicted
            pairs = ((trained, predicted), (trained, trained), (predicted, predicted), (error, error))
            found = [torch.sum(left * right) for left, right in pairs]
            found += [torch.sum(scale * left * right) for left, right in pairs[:3]]
            sums[number] += torch.stack(found).cpu()
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
