"""What a plan warns of: the very refusals of the jobs, about sizes that are only expected."""

from types import SimpleNamespace

import pytest

from leadterm.config import parse_config
from leadterm.planner import refusals as hazards
from leadterm.planner.corpus_size import CorpusSize
from leadterm.planner.interval import Estimate
from leadterm.planner.planned_stage import PlannedStage
from leadterm.storage import Location

GIB = 2**30


def config(**sections):
    base = {"corpus": {"paths": ["a"]}, "tokenizer": {"kind": "ids", "vocabulary_size": 1000}}
    return parse_config({**base, "corpus": {"paths": ["a"], "ids_column": "ids"}, **sections})


def corpus(largest: Estimate, vocabulary: float = 1000) -> CorpusSize:
    one = Estimate.exact(1)
    return CorpusSize(one, one, Estimate.exact(0), one, Estimate.exact(vocabulary), largest, one)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1e6, 1e8, None), (1e8, 1e9, False), (5e8, 1e9, True)],
)
def test_counts_that_might_overflow(low, high, expected):
    """At 32 bits and T = 128 some 395 million occurrences of one token fit (docs/decisions/fixed-point-weights.md)."""
    found = hazards.before_counting(config(), corpus(Estimate(low, (low + high) / 2, high)))
    assert [one.certain for one in found] == ([] if expected is None else [expected])
    assert all("Set counting.scale_bits to" in one.message for one in found)


def test_a_vocabulary_that_fits_no_task():
    sections = {"counting": {"memory_per_task": "64MiB"}, "attention": {"memory": "64MiB"}}
    found = hazards.before_counting(config(**sections), corpus(Estimate.exact(1), vocabulary=10**7))
    assert [(one.stage, one.certain) for one in found] == [
        ("count", True), ("compose", True), ("attention: count", True)
    ]  # fmt: skip
    assert "Raise counting.memory_per_task" in found[0].message
    assert "Raise attention.memory" in found[1].message


def stages(partial: Estimate, product: float = GIB) -> list[PlannedStage]:
    counted = {"units": Estimate.exact(2), "partial bytes": partial, "task memory": Estimate.exact(GIB)}
    count = PlannedStage("count", counted, None)
    merge = PlannedStage("merge", {"context bytes": Estimate.exact(product)}, None)
    return [count, merge, PlannedStage("compose", {"composed bytes": Estimate.exact(2 * GIB)}, None)]


@pytest.mark.parametrize(
    ("free", "expected"),
    [(4.5, []), (3.5, [("merge", False)]), (2.5, [("count", False)]), (1.5, [("count", True)])],
)
def test_partial_sums_and_products_share_the_disk(tmp_path, monkeypatch, free, expected):
    """2 to 3 GiB of partial sums, gone after merging; then 1 of products, then 2 more."""
    monkeypatch.setattr(hazards, "_free", lambda place: int(free * GIB))
    found = hazards.of_disks(stages(Estimate(2 * GIB, 2 * GIB, 3 * GIB)), Location.of(tmp_path), tmp_path)
    assert [(one.stage, one.certain) for one in found] == expected


def test_a_disk_is_asked_where_the_run_will_lie(tmp_path, monkeypatch):
    def usage(folder):
        if not folder.exists():
            raise FileNotFoundError(folder)
        return SimpleNamespace(free=7 if folder == tmp_path else 0)

    monkeypatch.setattr(hazards.shutil, "disk_usage", usage)
    assert hazards._free(tmp_path / "not" / "yet" / "there") == 7


def test_memory_of_all_tasks_at_once():
    found = list(hazards.of_memory(stages(Estimate.exact(1)), cores=4, memory=3 * GIB))
    assert [(one.stage, one.certain) for one in found] == [("count", False)], "it may be free by then"
    assert found[0].message.startswith("it takes 4.0 to 4.0 GiB of this machine's memory (task memory), and 3.0 GiB")
    assert not list(hazards.of_memory(stages(Estimate.exact(1)), cores=4, memory=None))
