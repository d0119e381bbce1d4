"""Gradient descent: equal to the oracle's, whatever the micro-batch; drawn batches; what is refused."""

import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from leadterm.errors import InputError, MachineError, TrainingError
from leadterm.theory_model import Trainer, Transformer
from support.autograd_model import train
from support.dense_theory import random_windows
from support.predictions import settings, small_corpus

SIZE, LENGTH = 9, 6
ROUNDING = 1e-12
"""Relative. Each step makes errors of about 100 * 1.1e-16, and passes on those of the steps before."""


def trained(windows=None, **changes) -> Trainer:
    trainer = Trainer(small_corpus() if windows is None else windows, SIZE, LENGTH, settings(**changes))
    trainer.advance()
    return trainer


def distance(left: Transformer, right: Transformer) -> float:
    """Return the largest relative difference of a weight."""
    pairs = zip(left.parameters(), right.parameters(), strict=True)
    return max(float((a - b).detach().norm() / b.detach().norm()) for a, b in pairs)


def test_the_weights_are_those_of_the_oracle():
    windows = random_windows(5, LENGTH + 1, SIZE, seed=1)
    found = trained(windows, steps=6, learning_rate=0.8, micro_batch=2).model
    oracle = train(torch.tensor(windows), SIZE, 2, 6, 0.8)
    expected = [oracle.output, *oracle.value, *oracle.query_key, *oracle.position]
    for (kind, layer, weight), other in zip(found.weights(), expected, strict=True):
        assert (weight.detach() - other).norm() <= ROUNDING * other.norm(), (kind, layer)
        assert other.norm() > 0


def test_ragged_windows_weigh_by_their_positions():
    """A step on all windows is the mean of the steps on each alone, weighted by its positions."""
    windows = small_corpus()
    whole = trained(steps=1).model.output.detach()
    n_positions = [len(window) - 1 for window in windows]
    alone = [trained([window], steps=1).model.output.detach() for window in windows]
    mean = sum(n * output for n, output in zip(n_positions, alone, strict=True)) / sum(n_positions)
    assert len(set(n_positions)) > 2
    assert (whole - mean).norm() <= ROUNDING * mean.norm()


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 100])
def test_the_micro_batch_changes_rounding_only(micro_batch):
    start = {"initialisation": "gaussian", "spread": 2.0}
    assert distance(trained(micro_batch=micro_batch, **start).model, trained(micro_batch=7, **start).model) <= ROUNDING


def test_memory_that_does_not_suffice_halves_the_micro_batch(monkeypatch):
    plain, sizes = Transformer.loss_sum, []

    def two_at_most(self, batch):
        sizes.append(len(batch.inputs))
        loss = plain(self, batch)
        if len(batch.inputs) > 2 and len(sizes) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore.")
        return loss

    expected = trained(micro_batch=5)
    monkeypatch.setattr(Transformer, "loss_sum", two_at_most)
    found = trained(micro_batch=5)
    assert sizes[:6] == [5, 2, 5, 3, 2, 2]  # the first step, then the second: refused at 5 and at 3
    assert found.micro_batch == 2
    assert distance(found.model, expected.model) <= ROUNDING


def test_memory_that_does_not_suffice_for_one_window(monkeypatch):
    def never(self, batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore.")

    monkeypatch.setattr(Transformer, "loss_sum", never)
    with pytest.raises(MachineError, match=r"single window: CUDA out of memory. .* GiB. Train with a smaller vocab"):
        trained()


def test_weights_that_do_not_fit():
    with pytest.raises(
        MachineError, match=r"5 weights of 20,000,000 x 20,000,000 take 16,000,000,000,000,000 bytes, and"
    ):
        Trainer([[0, 1]], 20_000_000, 1, settings())


def test_drawn_batches_follow_the_seed():
    first, again, other = (trained(batch=2, seed=seed).model for seed in (5, 5, 6))
    assert distance(first, again) == 0
    assert distance(first, other) > 1e-3


def test_a_batch_of_all_windows_is_the_full_gradient():
    assert distance(trained(batch=7, steps=1).model, trained(steps=1).model) <= ROUNDING


def test_a_drawn_batch_is_a_mean_over_its_own_positions():
    told = []
    Trainer(small_corpus(), SIZE, LENGTH, settings(batch=2, steps=1)).advance(on_progress=told.append)
    assert told[0].loss == pytest.approx(math.log(SIZE), rel=1e-14)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_expanded_paths_change_rounding_only(layers, monkeypatch):
    start = {"layers": layers, "initialisation": "gaussian", "spread": 3.0, "micro_batch": 3}
    plain = trained(**start)
    loss = plain.loss()
    monkeypatch.setattr(Transformer, "loss_sum", None)
    expanded = trained(**start, expand_paths=True)
    assert distance(expanded.model, plain.model) <= ROUNDING
    assert expanded.loss() == pytest.approx(loss, rel=1e-13)


def test_progress_is_told_after_each_step():
    told = []
    trainer = Trainer(small_corpus(), SIZE, LENGTH, settings(steps=3))
    trainer.advance(2, told.append)
    trainer.advance(on_progress=told.append)
    assert [(one.step, one.steps, one.micro_batch, one.agreement) for one in told] == [
        (s, 3, 32, ()) for s in (1, 2, 3)
    ]
    assert told[0].loss == pytest.approx(math.log(SIZE), rel=1e-14)
    assert told[0].loss > told[1].loss > told[2].loss > trainer.loss()


def test_a_learning_rate_far_too_large_stops_with_its_step():
    with pytest.raises(TrainingError) as caught:
        trained(learning_rate=1e4, steps=50)
    message = str(caught.value)
    assert message.startswith("training diverged: after ")
    assert f"an untrained model has ln 9 = {math.log(9):.4g}. Lower learning_rate (now 10000)" in message


def test_a_loss_that_is_no_number_stops_before_the_step():
    trainer = Trainer(small_corpus(), SIZE, LENGTH, settings(initialisation="gaussian", spread=1.0))
    trainer.advance(1)
    with torch.no_grad():
        trainer.model.query_key[1][:] = math.nan
    before = trainer.model.output.detach().clone()
    with pytest.raises(TrainingError, match=r"after 1 steps the loss is nan; .* \(now 0.3\) or spread\."):
        trainer.advance()
    assert torch.equal(trainer.model.output, before)
    assert trainer.step == 1
    with pytest.raises(TrainingError, match="the loss is nan"):
        trainer.loss()


def test_float32_is_close_to_float64():
    single = trained(dtype="float32").model
    assert {weight.dtype for weight in single.parameters()} == {torch.float32}
    # Single precision: 6e-8 an operation, some hundred operations, and cancellation in the attention's gradient.
    assert distance(single, trained().model) <= 1e-4


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_missing_device_is_named():
    with pytest.raises(MachineError, match=r"device 'cuda' was requested, but torch .* sees 0 CUDA device"):
        trained(device="cuda", dtype="tf32")


def test_checkpoints_need_a_folder():
    with pytest.raises(
        InputError, match=r"checkpoint_every is 2, but there is no folder for checkpoints. Name a folder"
    ):
        trained(checkpoint_every=2)
    with pytest.raises(InputError, match="there is no folder for checkpoints"):
        trained().save()


UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "tf32": 2.0**-11, "bfloat16": 2.0**-8}
"""The unit roundoff of a product's factors."""
FROM_GAUSSIAN = {"initialisation": "gaussian", "spread": 2.0}


def rounding_error(dtype):
    """How far weights may be off: a share of the factors' roundoff, and some of the type they are stored in.

    The error grows in proportion to the factors' roundoff u: for factors of 7 to 23 binary digits, rounded on a CPU as
    the next test does, 0.014 to 0.020 u, since a step changes these weights by little. Five times that is allowed.
    Storing weights in single precision moves them by 1.1 of its roundoffs in all; a device that sums in another order
    may add some.
    """
    return 0.1 * UNIT[dtype] + 16 * UNIT["float64" if dtype == "float64" else "float32"]


def twenty_windows():
    random = np.random.default_rng(0)
    return [random.integers(SIZE, size=LENGTH + 1) for _ in range(20)]


class Waits(TorchDispatchMode):
    """Counts what a GPU is waited for: results whose size or value the host must know before it goes on."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        masks = [one for one in (args[1] if name == "index" else ()) if one is not None and one.dtype == torch.bool]
        if name in ("nonzero", "_local_scalar_dense", "masked_select", "unique", "is_nonzero") or masks:
            self.found.append(name)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("expand_paths", [False, True])
def test_a_device_is_waited_for_once_a_step(expand_paths):
    """The host lays out the next micro-batch while the device computes; the loss of a step is all that it asks for."""
    trainer = Trainer(small_corpus(), SIZE, LENGTH, settings(micro_batch=2, expand_paths=expand_paths))
    with Waits() as waits:
        trainer.advance(3)
    assert waits.found == ["_local_scalar_dense"] * 3


class RoundedFactors(TorchDispatchMode):
    """Rounds the factors of every matrix product to so many binary digits after the point, as tensor cores do."""

    def __init__(self, digits):
        super().__init__()
        self.digits, self.products = digits, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket.__name__ in ("mm", "bmm", "addmm", "baddbmm"):
            self.products += 1
            args = [self.rounded(one) if isinstance(one, torch.Tensor) else one for one in args]
        return function(*args, **(kwargs or {}))

    def rounded(self, tensor):
        fraction, exponent = torch.frexp(tensor)
        steps = 2.0 ** (self.digits + 1)
        return torch.ldexp(torch.round(fraction * steps) / steps, exponent)


@pytest.mark.parametrize(("dtype", "digits"), [("tf32", 10), ("bfloat16", 7)])
def test_rounded_factors_move_the_weights_by_a_share_of_their_roundoff(dtype, digits):
    with RoundedFactors(digits) as rounding:
        found = trained(twenty_windows(), **FROM_GAUSSIAN).model
    assert rounding.products > 50
    error = distance(found, trained(twenty_windows(), **FROM_GAUSSIAN).model)
    assert rounding_error(dtype) / 50 < error <= rounding_error(dtype)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", list(UNIT))
def test_a_gpu_finds_the_same_weights(dtype):
    before = torch.get_float32_matmul_precision()
    found = trained(twenty_windows(), device="cuda", dtype=dtype, **FROM_GAUSSIAN).model.cpu().double()
    assert torch.get_float32_matmul_precision() == before
    assert distance(found, trained(twenty_windows(), **FROM_GAUSSIAN).model) <= rounding_error(dtype)
