"""Shuffling that is interrupted goes on from the files that it had finished, to the same bytes."""

import logging
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from leadterm.catalog.jobs import Job
from leadterm.config import Config
from leadterm.corpus import read_sample
from leadterm.errors import RunError
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.pipeline.shuffle_corpus.job import shuffle_corpus
from leadterm.storage import Location, Stage, read_manifest, require_manifest
from leadterm.storage.staged.part_reports import REPORT_SUFFIX
from support.commands import content_hashes
from support.flipping import DAMAGES
from support.jobs import make_config, names_in, write_files
from support.killing import run_killed

FILES = 6
NAMES = [f"windows-{number:05d}.parquet" for number in range(FILES)]


def config(folder: Path, seed: int = 0) -> Config:
    return make_config(
        folder / "in",
        {"kind": "words", "vocabulary_size": 200, "unknown": "replace"},
        windows={"length": 32, "files": FILES},
        alignment={"shuffled": True, "shuffled_seed": seed},
    )


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """A run with a shuffled run that was never stopped."""
    place = tmp_path_factory.mktemp("shuffling")
    write_files(place / "in", pa.array(read_sample()["text"].to_pylist()[::12]), 2)
    encode_corpus(spark, config(place), Location.of(place / "whole"))
    shuffle_corpus(spark, config(place), Location.of(place / "whole"))
    return place


@pytest.fixture
def run(folder, tmp_path, caplog) -> Path:
    """A run that holds windows only."""
    caplog.set_level(logging.INFO, "leadterm")
    for product in ("sources", "documents", "vocabulary", "windows"):
        shutil.copytree(folder / "whole" / product, tmp_path / "run" / product)
    return tmp_path / "run"


def parts_of(folder: Path, run: Path, seed: int = 0) -> Path:
    """Where the files of a shuffle lie until all are there."""
    found = {name: require_manifest(Location.of(run), name) for name in ("windows", "vocabulary")}
    hashes = {name: manifest.content_hash for name, manifest in found.items()}
    settings = {**found["windows"].settings, "shuffled": {"seed": seed}}
    return run / "shuffled" / Stage(str(Job.SHUFFLE_CORPUS), hashes, settings).folder / "parts"


def stopped(spark, folder: Path, run: Path, number: int) -> Path:
    """Shuffle until a file cannot be written, as a folder has its name; returns where the others lie."""
    parts = parts_of(folder, run)
    (parts / NAMES[number]).mkdir(parents=True)
    with pytest.raises(Exception, match=rf"{NAMES[number]}.*Is a directory"):
        shuffle_corpus(spark, config(folder), Location.of(run), tasks=1)
    assert names_in(parts) == sorted([*NAMES[: number + 1], *(f"{name}{REPORT_SUFFIX}" for name in NAMES[:number])])
    (parts / NAMES[number]).rmdir()
    return parts


def identities(files) -> dict[str, tuple[int, int]]:
    """What a file keeps when it is moved, and not when it is written again."""
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files if file.name in NAMES}


def ends_well(spark, folder: Path, run: Path, seed: int = 0, **options) -> dict[str, tuple[int, int]]:
    """Shuffle to the end; returns what tells the files apart."""
    assert shuffle_corpus(spark, config(folder, seed), Location.of(run), **options)
    assert names_in(run / "shuffled") == ["vocabulary", "windows"]
    return identities((run / "shuffled/windows").iterdir())


def said(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "already" in record.getMessage()]


@pytest.mark.parametrize("number", [1, 4])
def test_stopped_in_the_middle_it_goes_on(spark, folder, run, caplog, number):
    parts = stopped(spark, folder, run, number)
    before = identities(parts.iterdir())
    assert len(before) == number
    assert f"finished parts are kept in {parts.parent}; run again to resume" in caplog.text
    after = ends_well(spark, folder, run, tasks=2)
    assert content_hashes(run / "shuffled") == content_hashes(folder / "whole/shuffled")
    assert after.keys() == set(NAMES)
    assert before.items() <= after.items(), "a finished file was written again"
    assert said(caplog) == [f"shuffle windows: {number} of 6 files had already been shuffled"]


@pytest.mark.parametrize(
    ("what", "damage"), [("file", "flipped"), ("file", "gone"), ("report", "flipped"), ("report", "cut")]
)
def test_a_damaged_file_is_shuffled_again(spark, folder, run, caplog, what, damage):
    parts = stopped(spark, folder, run, 3)
    before = identities(parts.iterdir())
    DAMAGES[damage](parts / (NAMES[1] + REPORT_SUFFIX if what == "report" else NAMES[1]))
    after = ends_well(spark, folder, run)
    assert content_hashes(run / "shuffled") == content_hashes(folder / "whole/shuffled")
    assert {name for name in before if before[name] == after[name]} == {NAMES[0], NAMES[2]}
    assert said(caplog) == ["shuffle windows: 2 of 6 files had already been shuffled"]


def test_stopped_as_the_products_appear_it_has_nothing_to_shuffle(spark, folder, run, caplog, monkeypatch):
    def fail(*_):
        raise OSError("by a test")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="by a test"):
        broken.setattr("leadterm.pipeline.shuffle_corpus.job._copy_vocabulary", fail)
        shuffle_corpus(spark, config(folder), Location.of(run))
    before = identities(parts_of(folder, run).iterdir())
    monkeypatch.setattr("leadterm.pipeline.shuffle_corpus.job.WindowsShuffler", None)
    assert ends_well(spark, folder, run) == before
    assert content_hashes(run / "shuffled") == content_hashes(folder / "whole/shuffled")
    assert said(caplog) == ["shuffle windows: 6 of 6 files had already been shuffled"]


def test_another_seed_takes_none_of_the_files(spark, folder, run, caplog):
    parts = stopped(spark, folder, run, 4)
    ends_well(spark, folder, run, seed=1)
    assert not parts.exists()
    assert said(caplog) == []
    hashes = [read_manifest(Location.of(one / "shuffled"), "windows").files for one in (run, folder / "whole")]
    assert not {entry.sha256 for entry in hashes[0]} & {entry.sha256 for entry in hashes[1]}


def test_what_is_refused_is_not_kept(spark, folder, run):
    (run / "windows" / NAMES[3]).write_bytes(b"PAR1")
    with pytest.raises(RunError, match=rf"{NAMES[3]} is damaged or missing: .*; encode again"):
        shuffle_corpus(spark, config(folder), Location.of(run), tasks=1)
    assert not (run / "shuffled").exists()


def test_killed_after_its_products_appeared_it_leaves_nothing_for_ever(spark, folder, run):
    ends_well(spark, folder, run)
    parts_of(folder, run).mkdir(parents=True)
    assert not shuffle_corpus(spark, config(folder), Location.of(run))
    assert names_in(run / "shuffled") == ["vocabulary", "windows"]


KILLED = """
from leadterm.pipeline.shuffle_corpus import job as shuffle
class Killing(shuffle.WindowsShuffler):
    def _write(self, name):
        if name.startswith("windows-00003"):
            kill()
        return super()._write(name)
shuffle.WindowsShuffler = Killing
with spark_session("killed", PROPERTIES) as session:
    shuffle.shuffle_corpus(session, load_config({config!r}), Location.of({run!r}), tasks=1)
"""


def test_a_driver_that_is_really_killed(spark, folder, run, tmp_path, caplog):
    """With its Java, by a task, before that begins with the fourth file."""
    path = tmp_path / "a.json"
    path.write_text(config(folder).model_dump_json(exclude_unset=True))
    run_killed(KILLED.format(config=str(path), run=str(run)))
    before = identities(parts_of(folder, run).iterdir())
    assert before.keys() == set(NAMES[:3])
    assert before.items() <= ends_well(spark, folder, run).items()
    assert content_hashes(run / "shuffled") == content_hashes(folder / "whole/shuffled")
    assert said(caplog) == ["shuffle windows: 3 of 6 files had already been shuffled"]
