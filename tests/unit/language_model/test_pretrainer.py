"""Training a language model: loss and steps against a direct computation, the same bytes, what is refused."""

import math
from dataclasses import replace

import pytest
import torch

from leadterm.errors import InputError, MachineError, TrainingError
from leadterm.language_model import batch_loss, learning_rate, new_model
from leadterm.theory_model.batches import IGNORED, PackedWindows, drawn
from support.predictions import small_corpus
from support.pretraining_cases import LENGTH, SIZE, bytes_of, pretrainer, settings


def direct_loss(model, windows) -> torch.Tensor:
    """The mean over all positions, from one window at a time, which needs no padding."""
    losses = []
    for window in windows:
        logits = model(input_ids=torch.tensor([window[:-1]])).logits[0]
        shares = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
        losses += [-torch.log(shares[place, token]) for place, token in enumerate(window[1:])]
    return torch.stack(losses).mean()


@pytest.fixture
def model():
    return new_model(settings(), SIZE, LENGTH).double()


def test_loss_and_gradient_are_those_of_single_windows(model):
    windows = small_corpus()
    assert len({len(window) for window in windows}) > 2
    batch = PackedWindows(windows, SIZE, LENGTH).batch(range(len(windows)))
    weights = list(model.parameters())
    found, expected = batch_loss(model, batch), direct_loss(model, windows)
    # Some hundred sums of float64, each of 1e-16 relative.
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)
    pairs = zip(torch.autograd.grad(found, weights), torch.autograd.grad(expected, weights), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-15)


def test_what_stands_behind_the_end_of_a_window_has_no_influence(model):
    batch = PackedWindows(small_corpus(), SIZE, LENGTH).batch([1, 0, 2])
    behind = batch.targets == IGNORED
    assert behind.any()
    other = replace(batch, inputs=torch.where(behind, 7, batch.inputs))
    assert batch_loss(model, other) == batch_loss(model, batch)


def test_steps_of_plain_gradient_descent(tmp_path):
    """w <- w - eta times the gradient of single windows, in float64."""
    trainer = pretrainer(tmp_path, optimizer="sgd")
    trainer.model.double()
    trainer.advance()
    chosen = settings(optimizer="sgd")
    model, corpus = new_model(chosen, SIZE, LENGTH).double(), small_corpus()
    weights = list(model.parameters())
    for step in range(chosen.steps):
        windows = [corpus[number] for number in drawn(len(corpus), chosen.batch, step, chosen.seed)]
        gradients = torch.autograd.grad(direct_loss(model, windows), weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(learning_rate(chosen, step) * gradient)
    for found, expected in zip(trainer.model.parameters(), weights, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)


def test_steps_are_those_of_adamw(tmp_path):
    """Loshchilov and Hutter's algorithm 2, written out, with gradients of single windows; in float64."""
    trainer = pretrainer(tmp_path, weight_decay=0.3)
    trainer.model.double()
    trainer.advance()
    model, corpus = new_model(settings(), SIZE, LENGTH).double(), small_corpus()
    weights = list(model.parameters())
    first, second = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    for step in range(6):
        loss = direct_loss(model, [corpus[number] for number in drawn(len(corpus), 3, step, 4)])
        rate = 0.01 * min(1, (step + 1) / 3)
        for weight, slope, m, v in zip(weights, torch.autograd.grad(loss, weights), first, second, strict=True):
            m.mul_(0.9).add_(0.1 * slope)
            v.mul_(0.999).add_(0.001 * slope**2)
            move = (m / (1 - 0.9 ** (step + 1))) / ((v / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
            with torch.no_grad():
                weight.sub_(rate * (move + (0.3 * weight if weight.dim() > 1 else 0)))
        assert math.isclose(trainer.losses[step], loss.item(), rel_tol=1e-9)
    # Gradients are off by some 1e-15. Where they are less than epsilon = 1e-8, as those of the keys' biases, which
    # softmax does not see, a step is off by 0.01 * 1e-15 / 1e-8 for each; elsewhere by less.
    for weight, expected in zip(trainer.model.parameters(), weights, strict=True):
        torch.testing.assert_close(weight, expected, rtol=1e-9, atol=6e-9)


@pytest.mark.usefixtures("two_threads")
def test_same_seed_same_bytes(tmp_path):
    for name, changes in (("one", {}), ("same", {}), ("other", {"seed": 5})):
        torch.manual_seed(len(name))
        torch.rand(1)
        pretrainer(tmp_path / name, **changes).advance()
    one, same, other = (bytes_of(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert [name for name in one if name.endswith("model.safetensors") and one[name] == other[name]] == []
    names = {f"step{step}/{name}" for step in (0, 1, 2, 4, 6) for name in ("config.json", "model.safetensors")}
    assert names <= set(one)


def test_drawing_a_model_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    new_model(settings(), SIZE, LENGTH)
    assert torch.equal(torch.rand(3), expected)


class Stopped(Exception):
    """As by Ctrl-C."""


def stop_after(last: int):
    def on_step(step, loss):
        if step == last:
            raise Stopped

    return on_step


@pytest.mark.parametrize(("keep", "last", "step"), [([], 3, 2), ([], 5, 4), ([0], 4, 0)])
def test_a_resumed_training_ends_in_the_same_bytes(tmp_path, keep, last, step):
    pretrainer(tmp_path / "straight", keep=keep).advance()
    with pytest.raises(Stopped):
        pretrainer(tmp_path / "stopped", keep=keep).advance(stop_after(last))
    resumed = pretrainer(tmp_path / "stopped", keep=keep)
    assert resumed.resume()
    assert resumed.step == step
    resumed.advance()
    assert bytes_of(tmp_path / "straight") == bytes_of(tmp_path / "stopped")


def test_a_resumed_gradient_descent_ends_in_the_same_bytes(tmp_path):
    pretrainer(tmp_path / "straight", optimizer="sgd", keep="dense").advance()
    with pytest.raises(Stopped):
        pretrainer(tmp_path / "stopped", optimizer="sgd", keep="dense").advance(stop_after(3))
    resumed = pretrainer(tmp_path / "stopped", optimizer="sgd", keep="dense")
    assert resumed.resume()
    resumed.advance()
    assert bytes_of(tmp_path / "straight") == bytes_of(tmp_path / "stopped")


def test_a_training_without_revisions_for_long_keeps_its_state(tmp_path, monkeypatch):
    monkeypatch.setattr("leadterm.language_model.pretrainer.STATE_SECONDS", 0.0)
    with pytest.raises(Stopped):
        pretrainer(tmp_path, keep=[0]).advance(stop_after(5))
    resumed = pretrainer(tmp_path, keep=[0])
    assert resumed.resume()
    assert resumed.step == 5


def test_it_starts_anew_where_there_is_no_state_or_a_revision_is_gone(tmp_path):
    assert not pretrainer(tmp_path).resume()
    pretrainer(tmp_path).advance()
    (tmp_path / "step2/tokenizer.json").unlink()
    assert not pretrainer(tmp_path).resume()


def test_a_damaged_state_is_named(tmp_path):
    pretrainer(tmp_path).advance()
    with pytest.raises(TrainingError, match=r"the saved state belongs to another model \(.*--overwrite"):
        pretrainer(tmp_path, width=32).resume()
    place = tmp_path / "unfinished/state.safetensors"
    whole = place.read_bytes()
    place.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(TrainingError, match=r"state.safetensors is damaged: .* Delete it to restart the training"):
        pretrainer(tmp_path).resume()
    place.write_bytes(whole[:-1])
    with pytest.raises(TrainingError, match=r"state.safetensors cannot be read: .* Delete it"):
        pretrainer(tmp_path).resume()


def test_divergence_is_told_and_leaves_the_revisions_before(tmp_path):
    with pytest.raises(
        TrainingError, match=r"training diverged: after [1-6] steps the loss is .* Lower pretraining.lea"
    ):
        pretrainer(tmp_path, learning_rate=1e30, warmup_steps=0).advance()
    assert {path.name for path in tmp_path.glob("step*")} == {"step0", "step1"}, "huge, but numbers"


def test_the_last_step_may_diverge_too(tmp_path):
    with pytest.raises(TrainingError, match=r"training diverged: after 1 steps the loss is nan"):
        pretrainer(tmp_path, learning_rate=1e30, weight_decay=1e30, warmup_steps=0, steps=1).advance()
    assert [path.name for path in tmp_path.glob("step*")] == ["step0"]


def test_no_memory(tmp_path, monkeypatch):
    def fails(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.\nmore")

    trainer = pretrainer(tmp_path)
    monkeypatch.setattr("leadterm.language_model.pretrainer.batch_loss", fails)
    with pytest.raises(
        MachineError, match=r"no memory for 3 windows at once: CUDA out of memory. Lower pretraining.bat"
    ):
        trainer.advance()


def test_transformers_is_not_installed(monkeypatch):
    monkeypatch.setattr("leadterm.language_model.gpt_neox.find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"transformers, which is not installed. .* pip install 'leadterm\[checkpoints\]'"
    ):
        new_model(settings(), SIZE, LENGTH)


def test_the_learning_rate_rises_and_stays():
    assert [learning_rate(settings(), step) for step in (0, 1, 2, 3)] == pytest.approx([0.01 / 3, 0.02 / 3, 0.01, 0.01])
    assert learning_rate(settings(warmup_steps=0), 0) == 0.01
