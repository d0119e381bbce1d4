"""A standalone cluster of two workers adds files to a run as one machine does, a few or a hundred times."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from leadterm import open_run
from leadterm.config import Config
from leadterm.storage import Location
from leadterm.storage.integrity.check_run import check_run
from support.growing import SIZE, accounts, config_for, dealt, put_ids, write_corpus
from support.jobs import PRODUCTS, names_in, run_both
from support.scenes import Driver

N_FILES = 100
FEW = {"windows": {"length": 8, "files": 2}, "counting": {"rows_per_file": 30}}
"""Files of each product, since every add makes all of them anew."""


@pytest.fixture(scope="module")
def driver(cluster, tmp_path_factory) -> Iterator[Driver]:
    found = Driver(cluster, tmp_path_factory.mktemp("driver"))
    yield found
    found.kill()


def add(driver: Driver, config: Config, run: Path, files: Sequence[Path]) -> list[str]:
    """Add files to a run on the cluster; gives the error, if there was one."""
    written = run.with_suffix(".yaml")
    written.write_text(config.model_dump_json(exclude_unset=True))  # JSON is YAML
    driver.begin(written, run, "add_files", files)
    return driver.answer()


def test_files_added_in_parts_on_a_cluster_make_the_bytes_of_one_run(spark, driver, tmp_path):
    corpus, config = write_corpus(tmp_path / "in"), config_for(tmp_path / "in", **FEW)
    reference = run_both(spark, config, tmp_path / "whole")
    for n_parts in (1, 3, 10):
        run = tmp_path / f"run{n_parts}"
        for part in dealt(corpus, n_parts, n_parts):
            assert add(driver, config, run, part) == []
        assert accounts(run) == accounts(reference)
    kind, message = add(driver, config, run, corpus[:1])
    assert kind == "InputError"
    assert f"{corpus[0]} is already counted" in message
    assert accounts(run) == accounts(reference)


def write_tiny(place: Path, number: int) -> Path:
    """Write a file of two documents, one of which no other file has."""
    draw = np.random.default_rng(number)
    return put_ids(place, [draw.integers(0, SIZE, 12).tolist(), [number % 7, number % 5, number % 3]])


def files_of(run: Path) -> dict[str, int]:
    """All files of a run, hidden ones too, with the bytes of those that tell of no times."""
    files = {str(path.relative_to(run)): path.stat().st_size for path in run.rglob("*") if path.is_file()}
    return {name: 0 if name.endswith("manifest.json") else size for name, size in files.items()}


def opened_by_a_reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a reader of all products opens each file."""
    opened: Counter[str] = Counter()
    open_input = Location.open_input

    def counted(place: Location):
        opened[str(Path(place.path).relative_to(folder))] += 1
        return open_input(place)

    with monkeypatch.context() as patched:
        patched.setattr(Location, "open_input", counted)
        run = open_run(folder)
        _ = run.source_files, run.documents(), run.vocabulary, run.bigram_counts(), run.context_weights()
        _ = run.current_frequency, run.context_frequency, list(run.windows())
    return opened


@pytest.mark.slow
def test_a_hundred_adds_of_tiny_files_leave_a_run_that_opens_as_one_made_at_once(spark, driver, tmp_path, monkeypatch):
    """It has the same files, none more, with the same bytes, and a reader opens each of them as often."""
    corpus = [write_tiny(tmp_path / f"in/{number:03}.parquet", number) for number in range(N_FILES)]
    whole, grown, config = tmp_path / "whole", tmp_path / "grown", config_for(tmp_path / "in", **FEW)
    reference = run_both(spark, config, whole)
    for path in random.Random(0).sample(corpus, N_FILES):
        assert add(driver, config, grown, [path]) == []
    assert len(open_run(grown).source_files) == N_FILES
    assert accounts(grown) == accounts(reference)
    assert names_in(grown) == sorted(PRODUCTS)
    assert files_of(grown) == files_of(whole)
    opened = opened_by_a_reader(grown, monkeypatch)
    assert opened == opened_by_a_reader(whole, monkeypatch)
    assert {name for name, size in files_of(whole).items() if size} <= opened.keys()
    assert check_run(Location.of(grown)).problems == ()
