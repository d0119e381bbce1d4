"""Copies to a device and back: on the CPU, on a GPU where there is one, and with streams that put off all they can."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from leadterm.pipeline.compose_weights import cuda_transfers as transfers
from leadterm.pipeline.compose_weights.cuda_transfers import Transfers

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.cuda, NO_CUDA])]


@pytest.mark.parametrize("device", DEVICES)
def test_what_is_sent_comes_back(device):
    moves = Transfers(torch.device(device))
    sent = [moves.send(np.arange(n, n + 100_000)) for n in range(5)]
    assert all(one.device.type == device for one in sent)
    fetched = [moves.fetch(2 * one + 1) for one in sent]
    for n, one in enumerate(fetched):
        assert np.array_equal(one.wait(), 2 * np.arange(n, n + 100_000) + 1)


@pytest.mark.parametrize("device", DEVICES)
def test_many_copies_while_the_device_computes(device):
    """What is freed while a copy or a product is under way must not be given out: on CUDA wrong numbers would show."""
    moves, on = Transfers(torch.device(device)), torch.device(device)
    weight = torch.eye(300, dtype=torch.float64, device=on)
    arrays = [np.random.default_rng(n).standard_normal((300, 400)) for n in range(40)]
    fetched = [moves.fetch(weight @ (weight @ moves.send(array))) for array in arrays]
    assert all(np.array_equal(one.wait(), array) for one, array in zip(fetched, arrays, strict=True))


class Late:
    """A stream that does nothing before it has to."""

    def __init__(self, _device=None):
        self.queue, self.done = [], 0

    def run(self, number):
        while self.done < number:
            self.done += 1
            self.queue[self.done - 1]()

    def wait_stream(self, other):
        number = len(other.queue)
        self.queue.append(lambda: other.run(number))


class LateEvent:
    def record(self, stream):
        self.stream, self.number = stream, len(stream.queue)

    def synchronize(self):
        self.stream.run(self.number)


@pytest.fixture
def late(monkeypatch):
    """A device whose streams are late; gives the stream that computes, and which tensors were recorded where."""
    computing, recorded, copy, empty = Late(), [], torch.Tensor.copy_, torch.empty
    current = [computing]

    @contextmanager
    def stream(one):
        current.append(one)
        yield
        current.pop()

    def copied(target, source, *, non_blocking):
        assert non_blocking
        current[-1].queue.append(lambda: copy(target, source))
        return target

    def to_device(array, _device):
        return copied(
            torch.full(array.shape, torch.nan, dtype=torch.float64), torch.from_numpy(array), non_blocking=True
        )

    def locked(*shape, pin_memory, **options):
        assert pin_memory, "a copy to other memory is waited for"
        return empty(*shape, **options).fill_(torch.nan)

    for name, stub in (("Stream", Late), ("Event", LateEvent), ("stream", stream)):
        monkeypatch.setattr(torch.cuda, name, stub)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: current[-1])
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: recorded.append((tensor, stream)))
    monkeypatch.setattr(torch.Tensor, "copy_", copied)
    monkeypatch.setattr(torch, "empty", locked)
    monkeypatch.setattr(transfers, "to_device", to_device)
    return computing, recorded


def test_nobody_reads_what_is_not_there_yet(late):
    """Of streams that are as late as they may be, each must wait for the one it reads from."""
    computing, recorded = late
    moves = Transfers(torch.device("cuda"))
    under_way = []
    for n in range(3):
        sent, result = moves.send(np.full(4, float(n))), torch.zeros(4, dtype=torch.float64)
        computing.queue.append(lambda sent=sent, result=result: result.add_(sent).mul_(10))
        under_way.append((sent, result, moves.fetch(result)))
    assert computing.done == 0, "something was waited for"
    for n, (sent, result, fetched) in enumerate(under_way):
        assert fetched.wait().tolist() == [10.0 * n] * 4
        assert computing.done == 2 * (n + 1), "what was queued later was waited for"
        places = [stream for tensor, stream in recorded if tensor is sent]
        assert places == [computing]
        assert [stream for tensor, stream in recorded if tensor is result] == [fetched.arrived.stream] != places
