"""Training, some steps of gradient descent: leadterm's trainer, and the model of Definition 3.1 on one-hot windows.

All take float32, as many threads as torch does by itself, and plain gradient descent from zero on all windows.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench import Bench, label
from benchmarks.measure import Contender, Prepared

SAMPLES = ("training tiny",)
STEPS = 3
"""Of a measurement; its seconds are divided by them."""


def run_part(bench: Bench) -> dict[str, Any]:
    """Require the same weights of all in float64, then measure steps in float32."""
    from benchmarks.gate_trainer import compare_training  # noqa: PLC0415  # imports torch

    names = [name for name in bench.samples if name.endswith(" windows")]
    accuracy = {ONEHOT.name: bench.call(compare_training, bench.samples[names[0]])}
    found = {}
    for contender in (PLAIN, EXPANDED, ONEHOT):
        measured = bench.measure(contender, *names, warm_up="training tiny")
        found |= {name: replace(one, seconds=[s / STEPS for s in one.seconds]) for name, one in measured.items()}
    seconds = {key: median(one.seconds) for key, one in found.items()}
    return {
        "accuracy": accuracy,
        "measurements": {name: one.as_dict() for name, one in found.items()},
        "ratios": {
            ours.name: {name: seconds[label(ONEHOT, name)] / seconds[label(ours, name)] for name in names}
            for ours in (PLAIN, EXPANDED)
        },
    }


def prepare_ours(expand_paths: bool, _: Path) -> Prepared:
    """Load leadterm's trainer."""
    from benchmarks.gate_trainer import training  # noqa: PLC0415

    return lambda batch, _: training(batch, STEPS, "float32", expand_paths=expand_paths), lambda: None


def prepare_onehot(_: Path) -> Prepared:
    """Load the one-hot model."""
    import torch  # noqa: PLC0415

    from benchmarks.gate_trainer import training_onehot  # noqa: PLC0415

    return lambda batch, _: training_onehot(batch, STEPS, torch.float32), lambda: None


PLAIN = Contender("leadterm, trainer", partial(prepare_ours, False))
EXPANDED = Contender("leadterm, expand_paths", partial(prepare_ours, True))
ONEHOT = Contender("one-hot model, torch", prepare_onehot)
