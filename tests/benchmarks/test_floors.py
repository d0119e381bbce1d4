"""Floors: their numbers are those of a plain count, and a share is what it says."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from benchmarks import encoding, floors, gate, memory, rates, report, scaling
from benchmarks.floors import Floor, Work
from benchmarks.measure import Measurement
from leadterm.counting.positions import CURRENT, NEXT, group_positions

LENGTHS = (5, 2, 9)
"""Tokens of windows: one position less each."""


@pytest.fixture
def windows() -> rates.Windows:
    tokens = np.random.default_rng(0).integers(0, 7, sum(LENGTHS)).astype(np.int32)
    return tokens, np.concatenate([[0], np.cumsum(LENGTHS)])


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("shift", [NEXT, CURRENT])
def test_loops_go_over_every_pair(windows: rates.Windows, shift: int, cores: int) -> None:
    one = np.ones(16, dtype=np.int64)
    expected = sum(n * (n - 1) // 2 for n in LENGTHS)
    for loop in (rates.scatter, rates.gather_scatter):
        pairs, per_second = rates.pair_rate(windows, 7, loop, shift, one, cores)
        assert pairs == expected
        assert per_second > 0


def test_loops_add_what_they_say(windows: rates.Windows) -> None:
    tokens, offsets = windows
    _, order, starts = group_positions(tokens, offsets, 7, NEXT)
    weights, scores = np.arange(1, 17), 10 ** np.arange(7)
    added, looked_up = np.zeros((2, 7), dtype=np.int64)
    rates.scatter(tokens, starts, order, weights, added)
    rates.gather_scatter(tokens, starts, order, scores, looked_up)
    expected = np.zeros((2, 7), dtype=np.int64)
    for first, last in pairwise(offsets.tolist()):
        for place in range(first, last - 1):
            for token in tokens[first : place + 1]:
                expected[:, token] += weights[place - first], scores[token]
    assert np.array_equal([added, looked_up], expected)


def test_terms_of_a_composition_are_those_of_both_products() -> None:
    left, right = (random_array((9, 9), density=0.3, rng=seed, format="csr") != 0 for seed in (1, 2))
    dense_left, dense_right = left.toarray(), right.toarray()
    products = sum(dense_left[a, c] and dense_right[c, b] for a in range(9) for b in range(9) for c in range(9))
    # B'K at a pair (c, b) that occurs sums over the rows a in which c stands.
    at_pairs = sum(dense_left[:, c].sum() for c, b in zip(*np.nonzero(dense_right), strict=True))
    assert sum(floors.composition_terms(csr_array(left), csr_array(right))) == products + at_pairs


def test_terms_of_full_rows_are_told_apart() -> None:
    bigram, context = csr_array(np.eye(20)), csr_array(np.tri(20))
    assert floors.composition_terms(bigram, context) == (2 * sum(range(2, 21)), 2), "one row has a single entry of 20"


def test_a_share_is_that_of_the_larger_floor() -> None:
    work = (Work("sums", 300, 100.0), Work("products", 50, 50.0))
    found = Floor("count", work, 1000, 500.0).reached(8.0, 80, 3)
    assert (found["operations_seconds"], found["bytes_seconds"], found["share"]) == (4.0, 2.0, 0.5)
    assert Floor("count", work[1:], 1000, 500.0).reached(8.0, 80, 3)["share"] == 0.25
    assert (found["tokens_per_second"], found["memory"]) == (10.0, 3)


def measurement(walls: list[float], seconds: float = 9.0) -> Measurement:
    stages: list[dict[str, Any]] = [{"wall_seconds": wall, "memory": 7} for wall in walls]
    return Measurement("leadterm", 90, 80, 10, 8, [seconds, 1.0, 10.0], {"total": 11, "workers": 5}, stages)


def test_stages_are_told_where_the_log_shows_them() -> None:
    two = [Floor(name, (Work("sums", 100, 100.0),), 30, 10.0) for name in ("count", "merge")]
    found = floors.reached(two, measurement([4.0, 5.0]))
    assert [(one["stage"], one["seconds"], one["share"], one["memory"]) for one in found] == [
        ("count", 4.0, 0.75, 7), ("merge", 5.0, 0.6, 7), ("whole job", 9.0, 6 / 9, 11),
    ]  # fmt: skip
    assert [one["stage"] for one in floors.reached(two, measurement([4.0, 5.0, 1.0]))] == ["whole job"]
    lines = report._floors("", {"floors": found})
    assert [line.split()[-1] for line in lines[1:4]] == ["75%", "60%", "67%"]


def test_memory_of_a_stage_is_what_was_seen_in_its_time() -> None:
    history = [(1.0, 5), (2.0, 9), (3.0, 7)]
    assert memory.peak_between(history, 2.5, 3.5) == 7
    assert memory.peak_between(history, 1.96, 1.97) == memory.peak_between(history, 2.05, 2.06) == 9
    assert memory.peak_between(history, 4.0, 5.0) == 0


def test_scaling_compares_stages_and_requires_the_same_bytes() -> None:
    """Within a turn, as the machine may be half as fast in another."""
    walls, factors = [8.0, 4.0, 2.0, 1.0], [(1.0, 0.5, 0.75), (2.0, 1.0, 1.5), (3.0, 3.0, 3.0)]
    turns: list[Any] = [
        [replace(measurement([wall * one for wall in walls]), seconds=[20.0 * one]) for one in turn] for turn in factors
    ]
    joined = [found[0].joined(found[1:]) for found in zip(*turns, strict=True)]
    assert [one.seconds for one in joined] == [[20.0, 40.0, 60.0], [10.0, 20.0, 60.0], [15.0, 30.0, 60.0]]
    assert [one.stages[0]["wall_seconds"] for one in joined] == [16.0, 8.0, 12.0]
    found = scaling.compare(turns, joined)
    assert [found["stages"][name]["seconds"][0] for name in scaling.STAGES] == [16.0, 8.0, 4.0, 2.0]
    assert {(one["faster"], one["longer"]) for one in found["stages"].values()} == {(2.0, 1.5)}
    assert any("both jobs" in line for line in report._scaling("", {"scaling": found}))
    scaling.require_same({"bigram": "a"}, {"bigram": "a"})
    with pytest.raises(gate.GateError, match="context: other bytes on one core"):
        scaling.require_same({"bigram": "a", "context": "b"}, {"bigram": "a", "context": "c"})


def test_batches_hold_all_texts_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH_CHARACTERS", 10)
    texts = ["a" * n for n in (4, 4, 4, 25, 1, 1)]
    found = encoding.batches(texts)
    assert [text for batch in found for text in batch] == texts
    assert [[len(text) for text in batch] for batch in found] == [[4, 4], [4], [25, 1, 1]]


def test_the_gate_refuses_other_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["a b c d e f a b", "b a", "c c c d d e"]
    documents = [np.array(["abcdef".index(word) for word in text.split()], dtype=np.int32) for text in texts]
    windows = [one[place : place + 5] for one in documents for place in range(0, len(one) - 1, 4)]
    tokenizer = Tokenizer(WordLevel({letter: number for number, letter in enumerate("abcdef")}))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    config = SimpleNamespace(tokenizer=SimpleNamespace(source=str(path)))
    sizes = {"length": 4, "tokens": 16}
    sample: Any = SimpleNamespace(texts=lambda: texts, sizes=sizes, config=config, folder=tmp_path)
    run = SimpleNamespace(windows=lambda: iter(windows))
    monkeypatch.setattr(gate, "leadterm", SimpleNamespace(open_run=lambda _: run))
    assert gate.check_windows(sample, sizes["tokens"]).startswith("all 5 windows of 3")
    with pytest.raises(gate.GateError, match="0 of"):
        gate.check_windows(sample, sizes["tokens"] + 1)
    del windows[1]
    with pytest.raises(gate.GateError, match="windows: 1 of"):
        gate.check_windows(sample, sizes["tokens"])
