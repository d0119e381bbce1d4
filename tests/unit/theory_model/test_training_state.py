"""Checkpoints: what is written, that a resumed training ends in the same bytes, and what is refused."""

import json
import math

import pytest
import torch

from leadterm.errors import MachineError, TrainingError
from leadterm.theory_model import Trainer
from leadterm.theory_model.training_state import STATE, WEIGHTS, list_checkpoints, read_state
from support.predictions import settings, small_corpus

SIZE, LENGTH = 9, 6
DRAWN = {"batch": 3, "steps": 6, "checkpoint_every": 2, "initialisation": "gaussian", "spread": 2.0, "seed": 4}


def trainer(folder, windows=None, **changes) -> Trainer:
    return Trainer(windows or small_corpus(), SIZE, LENGTH, settings(**{**DRAWN, **changes}), folder)


def bytes_of(folder, step: int) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / f"step-{step:08d}").iterdir()}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [3, None])
def test_a_resumed_training_ends_in_the_same_bytes(tmp_path, batch, dtype):
    straight = trainer(tmp_path / "straight", batch=batch, dtype=dtype)
    straight.advance()
    trainer(tmp_path / "stopped", batch=batch, dtype=dtype).advance(3)  # the step after the checkpoint is lost
    resumed = trainer(tmp_path / "stopped", batch=batch, dtype=dtype)
    assert resumed.resume()
    assert resumed.step == 2
    resumed.advance()
    assert [place.name for place in list_checkpoints(tmp_path / "stopped")] == [f"step-{s:08d}" for s in (6, 4, 2)]
    assert bytes_of(tmp_path / "straight", 6) == bytes_of(tmp_path / "stopped", 6)


def test_a_checkpoint_is_weights_and_plain_json(tmp_path):
    one = trainer(tmp_path)
    one.history.append({"step": 1, "cosine": None})
    one.advance(2)
    [place] = list_checkpoints(tmp_path)
    assert {file.name for file in place.iterdir()} == {WEIGHTS, STATE}
    assert [file.name for file in tmp_path.iterdir()] == ["step-00000002"]
    state = json.loads((place / STATE).read_text())
    assert (state["format"], state["step"], state["history"]) == (1, 2, [{"step": 1, "cosine": None}])
    assert state["settings"]["seed"] == 4
    again = trainer(tmp_path)
    assert again.resume()
    assert again.history == one.history
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), again.model.parameters(), strict=True))


def test_nothing_to_resume(tmp_path):
    assert not trainer(tmp_path / "nowhere").resume()
    trainer(tmp_path).advance(4)
    shorter = trainer(tmp_path, steps=3)
    assert shorter.resume()
    assert shorter.step == 2
    assert not trainer(tmp_path).resume(lambda state: False)


def test_a_training_may_go_on_for_longer(tmp_path):
    trainer(tmp_path).advance()
    longer = trainer(tmp_path, steps=9, micro_batch=1, compare_at=[9], expand_paths=True)
    assert longer.resume()
    assert longer.step == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.2}, r"differs in learning_rate \(there 0.3, here 0.2\)\. Use those settings and windows"),
        ({"windows": small_corpus()[:3]}, "it differs in the windows"),
        ({"seed": 5, "batch": None}, r"batch \(there 3, here None\); seed \(there 4, here 5\)"),
    ],
)
def test_another_training_is_refused(tmp_path, changes, message):
    trainer(tmp_path).advance(2)
    with pytest.raises(TrainingError, match=message):
        trainer(tmp_path, **changes).resume()


def test_other_windows_are_refused(tmp_path):
    trainer(tmp_path).advance(2)
    with pytest.raises(TrainingError, match="step-00000002 belongs to another training; it differs in the windows"):
        trainer(tmp_path, windows=small_corpus(seed=8)).resume()


def test_damage_is_named_with_its_remedy(tmp_path):
    trainer(tmp_path).advance(2)
    [place] = list_checkpoints(tmp_path)
    whole = (place / WEIGHTS).read_bytes()
    (place / WEIGHTS).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(
        TrainingError, match=r"weights.safetensors is damaged: its SHA-256 is .* Delete the folder step"
    ):
        trainer(tmp_path).resume()
    (place / WEIGHTS).unlink()
    with pytest.raises(TrainingError, match=r"weights.safetensors cannot be read into this model"):
        trainer(tmp_path).resume()
    for text in ("{", "[]", "{}", '{"format": 1, "step": 2}'):
        (place / STATE).write_text(text)
        with pytest.raises(TrainingError, match=r"state.json is not a readable training state"):
            trainer(tmp_path).resume()
    (place / STATE).write_text('{"format": 2}')
    with pytest.raises(TrainingError, match="has format 2, this version reads 1"):
        read_state(place)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    one = trainer(tmp_path)
    with torch.no_grad():
        one.model.output[0, 0] = math.inf
    with pytest.raises(TrainingError, match="after 0 steps the loss is nan"):
        one.save()
    assert list_checkpoints(tmp_path) == []


def test_a_checkpoint_is_whole_or_absent(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leadterm.theory_model.training_state._sha256", fails)
    with pytest.raises(
        MachineError, match=r"cannot write .*step-00000002: .*No space left.* on a disk with free space"
    ):
        trainer(tmp_path).advance()
    assert list(tmp_path.iterdir()) == []
