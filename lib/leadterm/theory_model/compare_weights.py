"""Train a transformer and compare its weights with the predicted ones along the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from leadterm.config import TrainingSection
from leadterm.theory import Gaussian
from leadterm.theory_model.batches import Window
from leadterm.theory_model.trainer import OnProgress, Progress, Trainer
from leadterm.theory_model.training_state import State
from leadterm.theory_model.transformer import KINDS, Transformer
from leadterm.theory_model.weight_agreement import Agreement, Prediction, agreements, layers_apart

PAPER = "gradient descent"
"""What the leading terms of the paper are called among several predictions."""
NEXT_ORDER = "next order"
"""What the second order's terms are called among them; an optimizer's are called as a config names it."""
Predict = Callable[[int], Prediction]
"""From a number of steps to the weights that are predicted."""


@dataclass(frozen=True)
class Reached:
    """How far a training is.

    Attributes
    ----------
    step : int
        s, steps done.
    loss : float
        Mean cross-entropy over all windows after these steps; nats per position.
    """

    step: int
    loss: float


@dataclass(frozen=True)
class Row(Agreement, Reached):  # The fields of the last base come first.
    """How one weight compares with its prediction after some steps.

    Attributes
    ----------
    bound : float
        What the theorem allows error_norm to be; nan where no theorem speaks of the prediction.
    within_theorem : bool
        Whether the theorem's conditions hold, so that the bound is proved: those of the prediction, no drawn batches,
        and for a Gaussian start that the prediction is one for it, by Theorem D.13.
    prediction : str
        Which prediction.
    extent : float
        How far training has gone as that prediction sees it: s eta, or s eta V.
    """

    bound: float
    within_theorem: bool
    prediction: str = PAPER
    extent: float = math.nan


@dataclass(frozen=True, eq=False)
class Verification:
    """A finished comparison.

    Attributes
    ----------
    rows : tuple of Row
        By step, then output, value, query_key, position, then layer.
    model : Transformer
        With the weights after the last step.
    """

    rows: tuple[Row, ...]
    model: Transformer


def verify(
    windows: Iterable[Window],
    vocabulary_size: int,
    context_length: int,
    settings: TrainingSection,
    predict: Predict | Mapping[str, Predict],
    *,
    folder: Path | None = None,
    on_progress: OnProgress | None = None,
    on_rows: Callable[[tuple[Row, ...]], None] | None = None,
) -> Verification:
    """Train on windows, and compare the weights with a prediction after the steps of ``settings.compare_at``.

    Parameters
    ----------
    windows : iterable of sequences of int
        Each of 2 to T + 1 token ids.
    vocabulary_size, context_length : int
        V and T.
    settings : TrainingSection
        How to train, and when to compare.
    predict : callable, or mapping of str to callable
        Takes the number of steps s and returns the predicted weights after s steps; several by their names.
    folder : pathlib.Path, optional
        Where checkpoints go, and where a training that was interrupted is picked up: from the newest checkpoint that
        misses no comparison.
    on_progress : callable, optional
        Called after each step, with the latest comparison.
    on_rows : callable, optional
        Called after each comparison, with the rows of all so far.

    Raises
    ------
    TrainingError
        If training diverges, or the folder holds another training's checkpoints, or a damaged one.
    InputError, AxisError
        If windows or predictions do not fit V and T.
    MachineError
        If the device is missing or too small, or a checkpoint cannot be written.
    """
    predictions = predict if isinstance(predict, Mapping) else {PAPER: predict}
    trainer = Trainer(windows, vocabulary_size, context_length, settings, folder)
    trainer.resume(lambda state: _misses_nothing(state, settings.comparisons))
    latest = _newest(trainer)

    def report(progress: Progress) -> None:
        if on_progress is not None:
            on_progress(replace(progress, agreement=latest))

    for step in settings.comparisons:
        if step in _compared(trainer.history):
            continue
        trainer.advance(step, report)
        latest = _compare(trainer, {name: each(step) for name, each in predictions.items()})
        if on_rows is not None:
            on_rows(_rows(trainer))
    trainer.advance(on_progress=report)
    return Verification(_rows(trainer), trainer.model)


def _rows(trainer: Trainer) -> tuple[Row, ...]:
    """Return the comparisons so far that the settings ask for."""
    rows = (_from_json(entry) for entry in trainer.history)
    return tuple(row for row in rows if row.step in trainer.settings.comparisons)


def _compare(trainer: Trainer, predictions: Mapping[str, Prediction]) -> tuple[Agreement, ...]:
    """Add the rows of the trainer's step to its history, which goes with its checkpoints.

    Returns the comparison with the last prediction.
    """
    loss, found = trainer.loss(), tuple[Agreement, ...]()
    for name, prediction in predictions.items():
        found = agreements(trainer.model, prediction)
        proved = _is_proved(trainer.settings, prediction)
        for agreement in (*found, *layers_apart(trainer.model, prediction)):
            has_bound = prediction.has_bounds and agreement.weight in KINDS
            row = Row(
                **asdict(agreement),
                step=trainer.step,
                loss=loss,
                bound=getattr(prediction.bounds, agreement.weight) if has_bound else math.nan,
                within_theorem=proved,
                prediction=name,
                extent=prediction.extent,
            )
            trainer.history.append(_to_json(row))
    return found


def initialisation_of(settings: TrainingSection) -> Gaussian | None:
    """Return the initial weights of a training as a prediction takes them; None: all zero."""
    return None if settings.spread is None else Gaussian(settings.spread, settings.exponent)


def _is_proved(settings: TrainingSection, prediction: Prediction) -> bool:
    """Say whether a theorem covers a training: full gradients, and the initial weights of the prediction."""
    same_start = prediction.initialisation == initialisation_of(settings)
    plain = settings.batch is None and settings.optimizer == "sgd"
    return plain and same_start and prediction.within_theorem


def _misses_nothing(state: State, wanted: Iterable[int]) -> bool:
    """Say whether every wanted comparison was made before a checkpoint, or is still to come."""
    return all(step >= state.step or step in _compared(state.history) for step in wanted)


def _compared(history: Iterable[dict[str, Any]]) -> set[int]:
    return {entry["step"] for entry in history}


def _newest(trainer: Trainer) -> tuple[Agreement, ...]:
    """Return the latest comparison that a checkpoint brought along."""
    names = Agreement.__dataclass_fields__
    rows = [_from_json(entry) for entry in trainer.history]
    last = max((row.step for row in rows), default=0)
    return tuple(Agreement(**{name: getattr(row, name) for name in names}) for row in rows if row.step == last)


def _to_json(row: Row) -> dict[str, Any]:
    """Return a row as JSON values; JSON has no nan."""
    return {name: None if value != value else value for name, value in asdict(row).items()}  # noqa: PLR0124  # nan


def _from_json(entry: dict[str, Any]) -> Row:
    """Return the row that ``_to_json`` was given; the layer alone may be None by itself."""
    fields: dict[str, Any] = {"weighted_cosine": math.nan} | {
        name: math.nan if value is None and name != "layer" else value for name, value in entry.items()
    }
    return Row(**fields)
