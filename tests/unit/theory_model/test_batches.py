"""Windows as tensors, and which of them a step gets."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from leadterm.errors import InputError
from leadterm.theory_model.batches import IGNORED, PackedWindows, drawn

WINDOWS = [[3, 1], [0, 1, 2, 3], np.array([2, 2, 1], dtype=np.int32)]


def packed(windows=WINDOWS, size=4, length=3):
    return PackedWindows(windows, size, length)


def test_a_batch_is_as_wide_as_its_longest_window():
    batch = packed().batch([2, 0])
    assert batch.inputs.tolist() == [[2, 2], [3, 0]]
    assert batch.targets.tolist() == [[2, 1], [1, IGNORED]]
    assert batch.counted.tolist() == [0, 1, 2]
    assert packed().batch([0, 2]).counted.tolist() == [0, 2, 3]


def test_longest_first_and_in_order_among_equals():
    windows = packed([[0, 1], [0, 1, 2], [1, 0], [2, 1, 0]])
    assert windows.by_length().tolist() == [1, 3, 0, 2]
    assert windows.by_length(np.array([2, 0, 3])).tolist() == [3, 2, 0]


def test_micro_batches_hold_every_position_once():
    windows = packed()
    batches = list(windows.micro_batches(windows.by_length(), 2))
    assert [len(batch.inputs) for batch in batches] == [2, 1]
    pairs = Counter()
    for batch in batches:
        counted = batch.targets != IGNORED
        pairs.update(zip(batch.inputs[counted].tolist(), batch.targets[counted].tolist(), strict=True))
    assert pairs == Counter((int(a), int(b)) for w in WINDOWS for a, b in pairwise(w))
    assert windows.n_positions() == pairs.total() == 6
    assert windows.n_positions(np.array([0, 2])) == 3


def test_next_tokens_are_all_but_the_first_of_a_window():
    assert packed(size=5).next_counts().tolist() == [0, 3, 2, 1, 0]


def test_the_fingerprint_sees_tokens_lengths_order_and_vocabulary():
    same = packed().fingerprint
    assert packed([list(map(int, window)) for window in WINDOWS]).fingerprint == same
    others = (packed(WINDOWS[::-1]), packed(size=5), packed([[3, 1, 0], [1, 2, 3], [2, 2, 1]]), packed(length=4))
    assert len({same, *(other.fingerprint for other in others)}) == 5


def test_every_window_is_drawn_once_in_a_pass():
    stream = [int(n) for step in range(7) for n in drawn(5, 3, step, seed=9)]
    passes = [stream[start : start + 5] for start in range(0, 20, 5)]
    assert all(sorted(one) == list(range(5)) for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    assert stream != [int(n) for step in range(7) for n in drawn(5, 3, step, seed=10)]


def test_a_batch_larger_than_the_corpus_goes_through_it_again():
    assert Counter(drawn(3, 7, 0, seed=0).tolist()).total() == 7
    assert drawn(3, None, 12, seed=0).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ([], "there is no window to train on: give at least one window of two tokens"),
        ([[0, 1], [2]], r"window 1 has 1 tokens; a window has 2 to 4 \(T = 3 positions .* Cut the windows again"),
        ([[0, 1, 2, 3, 0]], "window 0 has 5 tokens; a window has 2 to 4"),
        ([[0, 4]], r"window 0 holds token id 4, but the vocabulary has 4 tokens \(0 to 3\). Give the vocabulary"),
        ([[0, -1]], "window 0 holds token id -1"),
        ([[0.5, 1.0]], "window 0 is not a flat list of token ids: found float64 of shape"),
        ([[[0, 1]]], r"window 0 is not a flat list of token ids: found int64 of shape \(1, 2\). Give each window as"),
    ],
)
def test_windows_that_are_refused(windows, message):
    with pytest.raises(InputError, match=message):
        packed(windows)
