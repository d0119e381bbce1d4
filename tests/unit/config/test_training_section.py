"""The section on training: what it defaults to, and what each impossible setting is told."""

import pytest

from leadterm.config import TrainingSection, canonical, parse_config
from leadterm.errors import ConfigError

BASE = {"corpus": {"paths": ["a"]}, "tokenizer": {"kind": "words", "vocabulary_size": 5}}


def section(**training) -> TrainingSection:
    return parse_config({**BASE, "training": training}, "run.yaml").training


def message_of(training) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config({**BASE, "training": training}, "run.yaml")
    return str(caught.value)


def test_no_training_unless_asked_for():
    assert parse_config(BASE).training is None
    assert canonical(section()) == {
        "layers": 2,
        "optimizer": "sgd",
        "betas": [0.9, 0.999],
        "eps": 1e-8,
        "weight_decay": 0.01,
        "learning_rate": 0.005,
        "steps": 8,
        "compare_at": [],
        "batch": None,
        "micro_batch": 32,
        "expand_paths": False,
        "initialisation": "zero",
        "spread": None,
        "exponent": 0.0,
        "seed": 0,
        "device": "cpu",
        "dtype": "float32",
        "checkpoint_every": None,
    }


def test_steps_to_compare_at_are_sorted_and_the_last_by_default():
    assert section(steps=9, compare_at=[9, 2, 2]).comparisons == (2, 9)
    assert section(steps=9).comparisons == (9,)
    assert section(compare_at=[2, 4]).compare_at == (2, 4)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"learning_rate": 0}, "training.learning_rate: found 0 (an integer); expected a number above 0"),
        (
            {"optimizer": "adagrad"},
            "training.optimizer: found 'adagrad' (text); expected one of sgd, adam, adamw, sign",
        ),
        ({"eps": 0}, "training.eps: found 0 (an integer); expected a number above 0"),
        ({"betas": [0.9, 1]}, "training.betas[1]: found 1 (an integer); expected"),
        ({"layers": 0}, "training.layers: found 0 (an integer); expected an integer of at least 1 (L, the attention"),
        ({"compare_at": 3}, "training.compare_at: found 3 (an integer); expected a list of integers (steps after"),
        ({"compare_at": [2, 0]}, "training.compare_at[1]: found 0 (an integer); expected a list of integers"),
        ({"dtype": "float16"}, "training.dtype: found 'float16' (text); expected one of float64, float32, tf32, bf"),
        ({"spread": 0}, "training.spread: found 0 (an integer); expected a number above 0 or null"),
        ({"layer": 3}, "training.layer: unknown key; expected one of layers, optimizer, betas, eps"),
        ("on", "training: found 'on' (text); expected a mapping with the keys layers, optimizer, betas"),
        (
            {"steps": 4, "compare_at": [2, 5]},
            "training: compare_at names step 5 and steps is 4. Raise steps or remove it.",
        ),
        (
            {"initialisation": "gaussian"},
            "training: initialisation is 'gaussian' and spread is not given. Give spread, or choose zero.",
        ),
        (
            {"spread": 0.1},
            "training: initialisation is 'zero' and spread is 0.1. Remove spread, or choose gaussian.",
        ),
        (
            {"dtype": "tf32"},
            "training: dtype is 'tf32' and device is 'cpu', which lacks it. Set device to cuda, or dtype to float32.",
        ),
    ],
)
def test_refusals(training, message):
    assert f"run.yaml: {message}" in message_of(training)


def test_what_goes_together():
    assert section(device="cuda", dtype="bfloat16").dtype == "bfloat16"
    assert section(initialisation="gaussian", spread=1e-6, exponent=0.5).exponent == 0.5
