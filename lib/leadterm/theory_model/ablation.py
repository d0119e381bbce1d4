"""What a trained model loses without its leading terms (Table 3 of the paper)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from leadterm.config import TrainingSection
from leadterm.theory_model.batches import PackedWindows, Window
from leadterm.theory_model.loss import mean_loss
from leadterm.theory_model.transformer import Transformer
from leadterm.theory_model.weight_agreement import Prediction, Term, compared, term_blocks

ALL = "all"
NOTHING = "nothing"


@dataclass(frozen=True)
class Ablation:
    """The loss of a model from some of whose weights the leading term was removed.

    Attributes
    ----------
    removed : {"nothing", "output", "value", "query_key", "position", "all"}
        From which weights; ``nothing`` is the model as it was trained.
    layer : int or None
        From which layer, 1 to L; None: from every layer.
    loss : float
        Mean cross-entropy over the positions of the windows; nats.
    increase : float
        Loss less that of the trained model.
    """

    removed: str
    layer: int | None
    loss: float
    increase: float


@dataclass(frozen=True, eq=False)
class Removable:
    """A weight, its prediction P and how much of it the weight holds, c = <W, P> / <P, P>."""

    kind: str
    layer: int | None
    weight: torch.Tensor
    term: Term
    coefficient: float


def ablate(
    model: Transformer, windows: Iterable[Window], prediction: Prediction, settings: TrainingSection
) -> tuple[Ablation, ...]:
    """Remove from each weight its projection on its leading term, and measure the loss.

    A weight W with the prediction P becomes W - (<W, P> / <P, P>) P, which has cosine 0 with P: first one weight of
    one layer at a time, then each kind of weight in all layers, then all weights that have a prediction.

    Parameters
    ----------
    model : Transformer
        As trained; its weights are the same afterwards.
    windows : iterable of sequences of int
        On which the loss is measured: each of 2 to T + 1 token ids.
    prediction : Prediction
        Of the model's weights; scale does not matter.
    settings : TrainingSection
        Number type and micro-batch; as the model was trained.

    Returns
    -------
    tuple of Ablation
        The trained model first.

    Raises
    ------
    InputError
        If a window does not fit the model.
    AxisError
        If a prediction's axes or sizes are not those of the model's weight.
    MachineError
        If the device has no memory for a single window.
    """
    packed = PackedWindows(windows, model.vocabulary_size, model.context_length)
    baseline, micro_batch = mean_loss(model, packed, settings)
    rows = [Ablation(NOTHING, None, baseline, 0.0)]
    for name, layer, targets in _choices(removables(model, prediction)):
        with without(targets):
            loss, micro_batch = mean_loss(model, packed, settings, micro_batch)
        rows.append(Ablation(name, layer, loss, loss - baseline))
    return tuple(rows)


def removables(model: Transformer, prediction: Prediction) -> list[Removable]:
    """Return every weight of a model that has a prediction, with its coefficient."""
    return [
        Removable(one.kind, one.layer, one.weight, one.term, one.sums.coefficient)
        for one in compared(model, prediction)
    ]


@contextmanager
def without(targets: Sequence[Removable]) -> Iterator[None]:
    """Remove projections from weights inside the block; afterwards the weights are the same to the bit."""
    kept = [target.weight.clone() for target in targets]
    try:
        for target in targets:
            for rows, predicted in term_blocks(target.kind, target.term, target.weight.shape):
                part = target.weight[rows]
                exact = part.to(dtype=torch.float64, device=predicted.device) - target.coefficient * predicted
                part.copy_(exact)
        yield
    finally:
        for target, before in zip(targets, kept, strict=True):
            target.weight.copy_(before)


def _choices(targets: Sequence[Removable]) -> Iterator[tuple[str, int | None, list[Removable]]]:
    """Yield what to remove at a time: each weight, each kind that has several, all."""
    for target in targets:
        yield target.kind, target.layer, [target]
    for kind in dict.fromkeys(target.kind for target in targets):
        same = [target for target in targets if target.kind == kind]
        if len(same) > 1:
            yield kind, None, same
    yield ALL, None, list(targets)
