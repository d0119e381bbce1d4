"""The accuracy gate of training: the same weights after some steps in float64, however they were computed."""

from collections.abc import Callable

import torch

from benchmarks.gate import GateError
from benchmarks.samples import Batch
from leadterm.config import TrainingSection
from leadterm.theory_model import Trainer, Transformer
from support.autograd_model import TrainedWeights, train

LAYERS, RATE = 3, 0.5
"""L and eta."""
STEPS = 4
"""From zero, attention moves in the third step for the first time, and is not uniform in the fourth."""
TOLERANCE = 1e-10
"""Relative, of a weight's norm. The longest sums have some 10^4 terms, the positions of a batch, so float64 errs by
10^4 2^-53 = 1e-12 of the sum of absolute values at worst; where the softmax's derivative subtracts a mean, that may be
100 times as much of what is left."""


def training(batch: Batch, steps: int, dtype: str, *, expand_paths: bool) -> Callable[[], Transformer]:
    """Make ready to train on all windows of a batch from zero."""
    windows, sizes = batch.rectangle(), batch.sizes
    settings = TrainingSection(layers=LAYERS, learning_rate=RATE, steps=steps, dtype=dtype, expand_paths=expand_paths)

    def run() -> Transformer:
        trainer = Trainer(windows, sizes["vocabulary_size"], sizes["length"], settings)
        trainer.advance()
        return trainer.model

    return run


def training_onehot(batch: Batch, steps: int, dtype: torch.dtype) -> Callable[[], TrainedWeights]:
    """Make ready to train the one-hot model on the same."""
    windows, size = torch.from_numpy(batch.rectangle()), batch.sizes["vocabulary_size"]
    return lambda: train(windows, size, LAYERS, steps, RATE, dtype)


def compare_training(batch: Batch) -> str:
    """Train in all ways, and require the same weights."""
    expected = training_onehot(batch, STEPS, torch.float64)()
    errors = [
        compare_weights(training(batch, STEPS, "float64", expand_paths=expand_paths)(), expected)
        for expand_paths in (False, True)
    ]
    return (
        f"every weight of {LAYERS} layers after {STEPS} steps in float64 within {errors[0]:.1e} of its norm, "
        f"with expand_paths {errors[1]:.1e}"
    )


def compare_weights(model: Transformer, expected: TrainedWeights) -> float:
    """Give the largest error of a weight, relative to its norm; none may be larger than rounding."""
    worst = 0.0
    for kind, layer, weight in model.weights():
        theirs = getattr(expected, kind) if layer is None else getattr(expected, kind)[layer - 1]
        theirs = theirs.detach()
        error = float((weight.detach() - theirs).norm() / theirs.norm())
        if not error <= TOLERANCE:
            where = kind if layer is None else f"{kind} of layer {layer}"
            raise GateError(
                f"training: {where} is {error:.1e} from the one-hot model's; at most {TOLERANCE:.0e} is rounding"
            )
        worst = max(worst, error)
    return worst
