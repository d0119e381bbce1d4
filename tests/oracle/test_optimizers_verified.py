"""The library's transformer under torch's optimizers beside each prediction, as ``leadterm verify`` compares them."""

from functools import partial

import numpy as np
import pytest
import torch

from leadterm.config import TrainingSection
from leadterm.theory import Descent, predicted_weights, score_functions
from leadterm.theory_model import NEXT_ORDER, PAPER, Trainer, markdown_table, optimizer_of, verify
from leadterm.theory_model.training_state import list_checkpoints
from leadterm.theory_model.weight_agreement import LAYERS_APART
from support.autograd_model import train
from support.dense_optimizers import attention_for, next_order_counts, torch_optimizer
from support.dense_theory import count, random_windows

SIZE, LENGTH, LAYERS = 40, 24, 3
WINDOWS = random_windows(64, LENGTH + 1, SIZE, seed=11)


def settings(**changes) -> TrainingSection:
    plain = {"layers": LAYERS, "steps": 4, "compare_at": [3, 4], "dtype": "float64", "micro_batch": 64}
    return TrainingSection(**{**plain, **changes})


def predictions(chosen: TrainingSection) -> dict:
    counts = count(WINDOWS, SIZE)
    basis, optimizer = counts.basis(next_order=next_order_counts(WINDOWS, counts)), optimizer_of(chosen)
    predict = partial(
        predicted_weights, basis, learning_rate=chosen.learning_rate, layers=LAYERS, context_length=LENGTH
    )
    found = {PAPER: lambda steps: predict(steps=steps), NEXT_ORDER: lambda steps: predict(steps=steps, order=2)}
    if chosen.optimizer != "sgd":
        descent = Descent(chosen.steps, chosen.learning_rate, LAYERS, LENGTH, optimizer=optimizer)
        attention = attention_for(score_functions(descent), basis, WINDOWS, LENGTH)
        found[chosen.optimizer] = lambda steps: predict(steps=steps, optimizer=optimizer, attention=attention)
    return found


def verified(chosen: TrainingSection, **options):
    return verify(WINDOWS, SIZE, LENGTH, chosen, predictions(chosen), **options)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sign"])
def test_each_weight_beside_each_prediction(optimizer):
    rows = verified(settings(optimizer=optimizer, learning_rate=1e-3)).rows
    assert list(dict.fromkeys(row.prediction for row in rows)) == [PAPER, NEXT_ORDER, optimizer]
    own = [row for row in rows if row.prediction == optimizer]
    assert len([row for row in own if row.step == 4]) == 1 + 3 * LAYERS
    assert all(row.cosine > 0.93 for row in own), min(row.cosine for row in own)
    paper = [row for row in rows if row.prediction == PAPER and row.step == 4]
    assert max(row.cosine for row in paper) < 0.7
    assert not any(row.within_theorem for row in rows)
    assert all(np.isnan(row.bound) for row in own)
    assert sorted({row.extent for row in own}) == pytest.approx([3e-3 * SIZE, 4e-3 * SIZE])


def test_a_cosine_that_is_weighed_by_the_leading_gradient_leaves_out_what_the_next_order_decides():
    rows = verified(settings(optimizer="adam", eps=1e-15, learning_rate=1e-3)).rows
    for row in rows:
        if row.prediction == "adam" and row.weight == "query_key" and row.step == 4:
            assert 1 - row.weighted_cosine < 0.2 * (1 - row.cosine), row


def test_gradient_descent_beside_the_next_order():
    rows = verified(settings(learning_rate=0.5, steps=12, compare_at=[12])).rows
    by = {(row.prediction, row.weight, row.layer): row for row in rows}
    for layer in (1, 2, 3):
        further, leading = by[NEXT_ORDER, "value", layer], by[PAPER, "value", layer]
        assert further.relative_error < leading.relative_error / 30
    assert by[NEXT_ORDER, LAYERS_APART, None].cosine > 0.99999
    assert (PAPER, LAYERS_APART, None) not in by


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "sign"])
def test_the_trainer_is_torchs_optimizer(optimizer):
    """Against the oracle's model, which forms one-hot matrices and is trained by torch's own step."""
    chosen = settings(optimizer=optimizer, learning_rate=1e-3, eps=1e-6, weight_decay=3.0)
    trainer = Trainer(WINDOWS, SIZE, LENGTH, chosen)
    trainer.advance()
    make = torch_optimizer(optimizer_of(chosen), 1e-3)
    expected = train(torch.tensor(WINDOWS), SIZE, LAYERS, 4, 1e-3, make_optimizer=make)
    tolerance = 1e-2 if optimizer == "sign" else 1e-6  # Entries whose gradient is rounding alone have any sign.
    for kind, layer, weight in trainer.model.weights():
        other = getattr(expected, kind) if layer is None else getattr(expected, kind)[layer - 1]
        assert (weight.detach() - other).norm() <= tolerance * other.norm(), (kind, layer)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sign"])
def test_an_interrupted_training_goes_on_to_the_same_bits(optimizer, tmp_path):
    chosen = settings(optimizer=optimizer, learning_rate=1e-3, steps=6, checkpoint_every=2, compare_at=[6])
    straight = verified(chosen, folder=tmp_path / "straight")
    first = Trainer(WINDOWS, SIZE, LENGTH, chosen, tmp_path / "stopped")
    first.advance(3)
    assert len(list_checkpoints(tmp_path / "stopped")) == 1
    resumed = verified(chosen, folder=tmp_path / "stopped")
    assert markdown_table(resumed.rows) == markdown_table(straight.rows)
    assert all(torch.equal(a, b) for a, b in zip(resumed.model.parameters(), straight.model.parameters(), strict=True))
