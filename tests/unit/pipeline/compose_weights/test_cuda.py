"""Composition by torch, on a GPU where there is one and by the same code on the CPU: scores, going on, memory."""

import weakref

import numpy as np
import pytest
import torch

from leadterm.errors import MachineError
from leadterm.pipeline.compose_weights import cuda
from leadterm.pipeline.compose_weights.cuda import compose_scores_on, device_width
from support.attention_cases import compose, dense_of, pair_statistics
from support.dense_attention import dense_composed, dense_scores
from support.dense_theory import count, random_windows

CPU = torch.device("cpu")
NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA")
DEVICES = [CPU, pytest.param(torch.device("cuda"), marks=[pytest.mark.cuda, NO_CUDA])]
KEPT = [None, np.arange(50) % 3 > 0]


@pytest.fixture(scope="module")
def dense():
    return count(random_windows(40, 30, 50, seed=2), 50)


def compose_on(device, statistics, **options):
    return compose_scores_on(device, statistics, np.zeros(statistics.context.nnz), **options)


def bytes_of(composed):
    return composed.scores.tobytes(), composed.without_row.tobytes()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("width", [7, 50, None])
def test_scores_are_those_of_dense_products_and_of_the_cpu(dense, device, kept, width):
    ids = None if kept is None else np.flatnonzero(kept)
    statistics = (dense.bigram_counts, dense.context_weights, dense.alpha, dense.rho, dense.n_positions, 50)
    expected, here = dense_scores(dense_composed(*statistics, ids), 50, ids), compose(dense, kept)
    found = compose_on(device, pair_statistics(dense, kept), width=width)
    laid_out, largest = dense_of(found), np.abs(here.scores).max()
    occurs = ~np.isnan(laid_out)
    assert occurs.sum() == len(here.scores) > 1000
    # Sums of at most V products, twice: rounding is below V^2 / 2^53 of the largest.
    assert np.abs(laid_out - expected)[occurs].max() <= 1e-12 * np.abs(expected).max()
    assert np.abs(found.scores - here.scores).max() <= 1e-13 * largest  # V^2 roundings of 2^-53
    assert np.abs(found.without_row - here.without_row).max() <= 1e-13 * largest
    assert found.without_row.any() == (kept is not None)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kept", KEPT)
def test_composing_goes_on_from_any_block(dense, device, kept):
    """To the same bytes: where the machine computes the same twice, which CUDA does not promise of sparse products."""
    statistics = pair_statistics(dense, kept)
    states, scores = [], np.zeros(statistics.context.nnz)
    told = {"width": 8, "on_block": lambda done: states.append((done.copy(), scores.copy()))}
    whole = compose_scores_on(device, statistics, scores, **told)
    assert [len(done) for done, _ in states] == [8, 16, 24, 32, 40, 48, 50]
    for done, before in states:
        for begun in (before, np.where(before == 0, np.nan, before)):
            ends: list[int] = []
            go_on = {"width": 8, "done": done, "on_progress": ends.append}
            found = compose_scores_on(device, statistics, begun.copy(), **go_on)
            assert ends == [end for end in (8, 16, 24, 32, 40, 48, 50) if end > len(done)]
            if device == CPU:
                assert bytes_of(found) == bytes_of(whole)
            assert np.abs(found.scores - whole.scores).max() <= 1e-13 * np.abs(whole.scores).max()
            assert np.abs(found.without_row - whole.without_row).max() <= 1e-13 * np.abs(whole.scores).max()


class Stopped(Exception):
    pass


@pytest.mark.parametrize("device", DEVICES)
def test_what_is_told_is_stored_when_a_stop_comes_while_blocks_are_in_flight(dense, device):
    statistics = pair_statistics(dense)
    whole = compose_on(device, statistics, width=6)
    scores, told = np.full(statistics.context.nnz, np.nan), []

    def stop_at_the_third(done):
        told.append(done.copy())
        if len(told) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        compose_scores_on(device, statistics, scores, width=6, on_block=stop_at_the_third)
    stored = statistics.context.indices < 18
    assert np.isfinite(scores[stored]).all()
    assert np.isnan(scores[~stored]).all(), "what was in flight is not stored"
    found = compose_scores_on(device, statistics, scores, width=6, done=told[-1])
    assert np.abs(found.scores - whole.scores).max() <= 1e-13 * np.abs(whole.scores).max()
    assert device != CPU or bytes_of(found) == bytes_of(whole)


@pytest.fixture
def log(monkeypatch):
    """Which blocks are begun and stored, in order; memory suffices for `log.limit` columns in flight."""
    begin = cuda._Blocks.begin

    class Log(list):
        limit = 50

        def in_flight(self):
            stored = [block for event, *block in self if event == "stored"]
            return [block for event, *block in self if event == "begun" and block not in stored]

    found = Log()

    def begun(self, origin, end):
        if sum(last - first for first, last in found.in_flight()) + end - origin > found.limit:
            found.append(("refused", origin, end))
            raise torch.OutOfMemoryError("too large")
        block = begin(self, origin, end)
        found.append(("begun", origin, end))
        wait = block.scores.wait

        def stored():
            found.append(("stored", origin, end))
            return wait()

        object.__setattr__(block.scores, "wait", stored)
        return block

    monkeypatch.setattr(cuda._Blocks, "begin", begun)
    return found


@pytest.mark.parametrize("in_flight", [1, 2, 3])
def test_the_device_has_its_next_block_before_one_is_waited_for(dense, log, in_flight):
    progress = []
    compose_on(CPU, pair_statistics(dense), width=10, in_flight=in_flight, on_progress=progress.append)
    begun, stored = ([number for number, (event, *_) in enumerate(log) if event == one] for one in ("begun", "stored"))
    assert [log[number][1:] for number in begun] == [log[number][1:] for number in stored]
    assert progress == [10, 20, 30, 40, 50]
    depths = [sum(number < at for number in begun) - sum(number < at for number in stored) for at in stored]
    assert depths == [min(in_flight, 5 - number) for number in range(5)]


def test_a_block_that_fits_once_others_are_stored_is_not_halved(dense, log):
    log.limit = 15
    found = compose_on(CPU, pair_statistics(dense), width=10)
    assert [block for event, *block in log if event == "begun"] == [[n, n + 10] for n in range(0, 50, 10)]
    assert ("refused", 10, 20) in log
    log.limit = 50
    assert bytes_of(found) == bytes_of(compose_on(CPU, pair_statistics(dense), width=10))


def test_a_block_that_does_not_fit_is_halved(dense, log):
    log.limit = 3
    found = compose_on(CPU, pair_statistics(dense), width=20)
    assert [last - first for event, first, last in log if event == "begun"] == [3] * 16 + [2]
    assert [last - first for event, first, last in log if event == "refused" and last - first > 3] == [20, 10, 5]
    assert np.abs(found.scores - compose(dense).scores).max() <= 1e-13 * np.abs(found.scores).max()


def test_memory_that_becomes_short_on_the_way(dense, log):
    def take(done):
        log.limit = 4 if len(done) == 20 else log.limit

    found = compose_on(CPU, pair_statistics(dense), width=10, on_block=take)
    assert [end for event, _, end in log if event == "stored"] == [10, 20, 30, 33, 36, 39, 42, 45, 48, 50]
    assert np.abs(found.scores - compose(dense).scores).max() <= 1e-13 * np.abs(found.scores).max()


def test_no_memory_for_a_single_column(dense, log):
    log.limit = 0
    message = "cpu has too little free memory for one column of 50 numbers. Close other programs, or set attention.dev"
    with pytest.raises(MachineError, match=message):
        compose_on(CPU, pair_statistics(dense), width=4)


def test_what_a_block_that_did_not_fit_had_allocated_is_let_go_of(dense, monkeypatch):
    alive, begin = [], cuda._Blocks.begin

    def begun(self, origin, end):
        assert not any(one() is not None for one in alive), "a failed attempt still holds memory"
        if end - origin > 10:
            tensor = torch.ones(5)
            alive.append(weakref.ref(tensor))
            raise torch.OutOfMemoryError("too large")
        return begin(self, origin, end)

    monkeypatch.setattr(cuda._Blocks, "begin", begun)
    compose_on(CPU, pair_statistics(dense), width=40)
    assert len(alive) == 2


@pytest.mark.parametrize(
    ("gigabytes", "size", "n_bigrams", "width"),
    [
        (80, 49_152, 2_000_000, 256),
        (1, 49_152, 2_000_000, 128),
        (80, 1_000_000, 100_000_000, 256),
        (16, 1_000_000, 100_000_000, 64),
        (80, 10_000_000, 0, 64),
        (1000, 10_000_000, 0, 128),  # places of a block in 31 bits
        (1, 49_152, 10**9, 1),
        (80, 100, 0, 100),
    ],
)
def test_blocks_fit_the_free_memory(monkeypatch, gigabytes, size, n_bigrams, width):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (gigabytes * 10**9, 2 * gigabytes * 10**9))
    found = device_width(torch.device("cuda"), size, n_bigrams)
    assert found == width
    # W, K, G and one more, dense; of each pair 28 bytes, twice; the bigram in both directions, 12 bytes an entry.
    needed = 24 * n_bigrams + found * size * (4 * 8 + 2 * 28)
    assert found == 1 or needed <= 0.8 * gigabytes * 10**9
    assert found * size <= 2**31
