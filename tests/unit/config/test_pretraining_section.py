"""The section on pretraining: what it defaults to, and what each impossible setting is told."""

import pytest

from leadterm.config import PretrainingSection, canonical, parse_config
from leadterm.errors import ConfigError

BASE = {"corpus": {"paths": ["a"]}, "tokenizer": {"kind": "words", "vocabulary_size": 5}}


def section(**pretraining) -> PretrainingSection:
    return parse_config({**BASE, "pretraining": pretraining}, "run.yaml").pretraining


def test_nothing_is_trained_unless_asked_for():
    assert parse_config(BASE).pretraining is None
    assert canonical(section()) == {
        "layers": 4,
        "width": 256,
        "heads": 4,
        "optimizer": "adamw",
        "steps": 512,
        "learning_rate": 0.001,
        "warmup_steps": 64,
        "batch": 32,
        "weight_decay": 0.01,
        "keep": [],
        "seed": 0,
        "device": "cpu",
    }


@pytest.mark.parametrize(
    ("steps", "keep", "kept"),
    [
        (1, [], (0, 1)),
        (8, [], (0, 1, 2, 4, 8)),
        (9, [], (0, 1, 2, 4, 8, 9)),
        (9, [4, 2, 2], (2, 4, 9)),
        (9, [0, 9], (0, 9)),
        (3, "dense", (0, 1, 2, 3)),
        (21, "dense", (*range(17), 18, 20, 21)),
    ],
)
def test_the_powers_of_two_are_kept_by_default_and_the_last_step_always(steps, keep, kept):
    assert section(steps=steps, keep=keep).revisions == kept


@pytest.mark.parametrize(
    ("pretraining", "message"),
    [
        (
            {"learning_rate": 0},
            "pretraining.learning_rate: found 0 (an integer); expected a number above 0 (learning rate",
        ),
        ({"keep": [1, -1]}, "pretraining.keep[1]: found -1 (an integer); expected a list of integers (steps after"),
        ({"keep": "all"}, "pretraining.keep"),
        ({"optimizer": "adam"}, "pretraining.optimizer: found 'adam' (text); expected one of adamw, sgd"),
        ({"layer": 3}, "pretraining.layer: unknown key; expected one of layers, width"),
        ({"device": "tpu"}, "pretraining.device: found 'tpu' (text); expected one of cpu, cuda"),
        ({"steps": 4, "keep": [0, 5]}, "pretraining: keep names step 5 and steps is 4. Raise steps or remove it."),
        (
            {"width": 40, "heads": 2},
            "pretraining: width is 40 and heads is 2, but each head takes a multiple of 8 of the width. Set width to a "
            "multiple of 16.",
        ),
    ],
)
def test_refusals(pretraining, message):
    with pytest.raises(ConfigError) as caught:
        section(**pretraining)
    assert f"run.yaml: {message}" in str(caught.value)
