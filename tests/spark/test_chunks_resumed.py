"""A corpus of several chunks that is interrupted while it is counted or encoded resumes there, to the same bytes."""

import logging
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from leadterm.config import Config
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus import job as encode_job
from leadterm.pipeline.encode_corpus import make_tokenizer as vocabulary_job
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.storage import Location, read_manifest
from leadterm.storage.staged import part_reports as finished
from support.commands import content_hashes
from support.dying import Killed, dying_in
from support.flipping import DAMAGES
from support.jobs import make_config, names_in, write_files
from support.killing import run_killed
from support.leftovers import leftovers

WORDS = {"kind": "words", "vocabulary_size": 36, "unknown": "replace"}
PIECES = {"kind": "bpe", "vocabulary_size": 300, "training_documents": None}
FIRST = PIECES | {"training_documents": 150}
CHUNKS = 4


def config(folder: Path, tokenizer=WORDS) -> Config:
    return make_config(folder / "in", tokenizer, windows={"length": 8, "files": 12}, corpus={"copies": "count"})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Four files, two of them alike, and one of which nothing comes."""
    place = tmp_path_factory.mktemp("chunks")
    chance = random.Random(1)
    words = [f"{first}{second}" for first in "abcdef" for second in "uvwxyz"]
    texts = [" ".join(chance.choice(words) for _ in range(40)) for _ in range(200)]
    write_files(place / "in", pa.array(texts), 2)
    shutil.copy(place / "in/part-000.parquet", place / "in/part-002.parquet")
    write_files(place / "in/more", pa.array([None, "", " "]), 1)
    return place


@pytest.fixture
def whole(spark, corpus) -> Callable[[dict], dict[str, str]]:
    """The content hashes of the run that was encoded at once, and never stopped."""

    def run(tokenizer: dict) -> dict[str, str]:
        place = corpus / f"whole-{tokenizer['kind']}-{tokenizer.get('training_documents')}"
        if not place.exists():
            encode_corpus(spark, config(corpus, tokenizer), Location.of(place))
        return content_hashes(place)

    return run


@pytest.fixture
def begun(whole, monkeypatch, caplog) -> list[str]:
    """Each file is a chunk of its own; the names of those that were begun."""
    for tokenizer in (WORDS, PIECES, FIRST):
        whole(tokenizer)
    caplog.set_level(logging.INFO, "leadterm")
    only, names = encode_job.Documents.only, []

    def noted(self, files):
        names.extend(Path(file).name for file in files)
        return only(self, files)

    monkeypatch.setattr(encode_job.Documents, "only", noted)
    monkeypatch.setattr(encode_job, "CHUNK_BYTES", 1)
    return names


def killed(spark, corpus: Path, run: Path, report: int, tokenizer=WORDS) -> Path:
    """Encode until the driver is killed as it begins to write a report; returns the staging folder."""
    with pytest.raises(Killed), dying_in(finished, "table_bytes", report):
        encode_corpus(spark, config(corpus, tokenizer), Location.of(run))
    [place] = run.glob(".*")
    return place


def ends_well(spark, corpus: Path, run: Path, expected: dict[str, str], tokenizer=WORDS) -> None:
    assert encode_corpus(spark, config(corpus, tokenizer), Location.of(run))
    assert content_hashes(run) == expected
    assert not leftovers(run)


def said(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "already" in record.getMessage()]


@pytest.mark.parametrize(
    ("tokenizer", "report"), [(WORDS, 1), (WORDS, 3), (WORDS, 5), (WORDS, 6), (WORDS, 8), (PIECES, 3), (PIECES, 6)]
)
def test_killed_at_any_moment_it_goes_on(spark, corpus, whole, begun, tmp_path, caplog, monkeypatch, tokenizer, report):
    """Reports 1 to 4 are of chunks that were counted, 5 of the tokenizer, others of chunks that were encoded."""
    parts = "words" if tokenizer is WORDS else "pieces of text"
    killed(spark, corpus, tmp_path / "run", report, tokenizer)
    assert len(begun) == report - (report > CHUNKS)
    begun.clear()
    caplog.clear()
    counted, encoded = min(report - 1, CHUNKS), max(report - CHUNKS - 2, 0)
    if is_made := report > CHUNKS + 1:
        monkeypatch.setattr(vocabulary_job, "_make", None)
    ends_well(spark, corpus, tmp_path / "run", whole(tokenizer), tokenizer)
    assert len(begun) == 2 * CHUNKS - counted - encoded
    assert said(caplog) == [
        *[f"count {parts}: {counted} of 4 chunks had already been counted"] * (counted > 0 and not is_made),
        *["encode documents: reusing the tokenizer that was already made"] * is_made,
        *[f"encode documents: {encoded} of 4 chunks had already been encoded"] * (encoded > 0),
    ]


@pytest.mark.parametrize(("folder", "report"), [("counts", 3), ("parts", 8)])
def test_what_is_unfinished_does_not_stay(spark, corpus, begun, tmp_path, monkeypatch, folder, report):
    """It goes when a job is stopped; what a killed one left goes before another chunk is begun."""
    place = killed(spark, corpus, tmp_path / "run", report) / folder
    left, only, still_there = unfinished(place), encode_job.Documents.only, []
    assert left

    def look(self, files):
        still_there.append(left & set(names_in(place)))
        return only(self, files)

    def stop(*_):
        raise OSError("by a test")

    monkeypatch.setattr(encode_job.Documents, "only", look)
    monkeypatch.setattr("leadterm.pipeline.encode_corpus.corpus_chunks.finish", stop)
    with pytest.raises(OSError, match="by a test"):
        encode_corpus(spark, config(corpus), Location.of(tmp_path / "run"))
    assert still_there == [set()]
    assert unfinished(place) == set()


def unfinished(place: Path) -> set[str]:
    """The files of a folder that no report tells of."""
    reports = list(place.glob(f"chunk-*{finished.REPORT_SUFFIX}"))
    told = {Path(one).name for report in reports for one in read_report(report)["place"].drop_null().to_pylist()}
    return set(names_in(place)) - told - {report.name for report in reports}


def test_a_tokenizer_of_the_first_documents_is_not_trained_again(spark, corpus, whole, begun, tmp_path, monkeypatch):
    killed(spark, corpus, tmp_path / "run", 2, FIRST)
    assert len(begun) == 1, "something was counted chunk by chunk"
    monkeypatch.setattr(vocabulary_job, "_make", None)
    ends_well(spark, corpus, tmp_path / "run", whole(FIRST), FIRST)


@pytest.mark.parametrize(("what", "damage"), [("file", "flipped"), ("file", "gone"), ("report", "flipped")])
def test_damaged_counts_are_counted_again(spark, corpus, whole, begun, tmp_path, caplog, damage, what):
    place = killed(spark, corpus, tmp_path / "run", 5)
    reports = sorted((place / "counts").glob("chunk-*"))
    files = sorted(path for path in (place / "counts").iterdir() if path not in reports)
    assert len(reports) == CHUNKS
    assert len(files) >= 3
    DAMAGES[damage](files[0] if what == "file" else reports[2])
    begun.clear()
    ends_well(spark, corpus, tmp_path / "run", whole(WORDS))
    assert "count words: 3 of 4 chunks had already been counted" in said(caplog)
    assert len(begun) == 1 + CHUNKS


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_damaged_tokenizer_is_made_again(spark, corpus, whole, begun, tmp_path, caplog, damage):
    """And what was encoded by it stays so: the next one is the same."""
    place = killed(spark, corpus, tmp_path / "run", 8)
    [kept] = (place / "counts").iterdir()
    DAMAGES[damage](kept)
    begun.clear()
    ends_well(spark, corpus, tmp_path / "run", whole(WORDS))
    assert said(caplog) == ["encode documents: 2 of 4 chunks had already been encoded"]
    assert len(begun) == CHUNKS + 2


@pytest.mark.parametrize(
    ("what", "damage"), [("file", "flipped"), ("file", "cut"), ("file", "gone"), ("report", "flipped")]
)
def test_damaged_windows_are_encoded_again(spark, corpus, whole, begun, tmp_path, caplog, damage, what):
    run = tmp_path / "run"
    place = killed(spark, corpus, run, 8)
    reports = sorted((place / "parts").glob("chunk-*"))
    told = [read_report(report)["place"].drop_null().to_pylist() for report in reports]
    assert sorted(map(bool, told)) == [False, True], "one chunk has no windows"
    DAMAGES[damage](reports[0] if what == "report" else Path(max(told)[0]))
    begun.clear()
    ends_well(spark, corpus, run, whole(WORDS))
    assert "encode documents: 1 of 4 chunks had already been encoded" in said(caplog)
    assert len(begun) == 3
    accounts = [read_manifest(Location.of(one), "windows").counts for one in (run, corpus / "whole-words-None")]
    assert accounts[0] == accounts[1]


def read_report(path: Path) -> pa.Table:
    return finished.finished(Location.of(path.parent), path.name.removesuffix(finished.REPORT_SUFFIX))


def test_other_settings_see_no_counts_of_these(spark, corpus, begun, tmp_path, caplog):
    before = killed(spark, corpus, tmp_path / "run", 5)
    longer = make_config(
        corpus / "in", WORDS, windows={"length": 8, "files": 12}, corpus={"copies": "count", "min_characters": 2}
    )
    begun.clear()
    assert encode_corpus(spark, longer, Location.of(tmp_path / "run"))
    assert not before.exists()
    assert said(caplog) == []
    assert len(begun) == 2 * CHUNKS


def test_other_files_see_no_counts_of_these(spark, corpus, begun, tmp_path, caplog):
    """A chunk is known by what it holds: of renamed files those that are alike stay where they were."""
    shutil.copytree(corpus / "in", tmp_path / "in")
    killed(spark, tmp_path, tmp_path / "run", 5)
    names = ["part-001.parquet", "part-002.parquet"]
    for name, other in zip(names, ["a.parquet", names[0]], strict=True):
        (tmp_path / "in" / name).rename(tmp_path / "in" / other)
    begun.clear()
    assert encode_corpus(spark, config(tmp_path), Location.of(tmp_path / "run"))
    assert content_hashes(tmp_path / "run")["windows"] == content_hashes(corpus / "whole-words-None")["windows"]
    counted = CHUNKS - (len(begun) - CHUNKS)
    assert 0 < counted < CHUNKS
    assert said(caplog) == [f"count words: {counted} of 4 chunks had already been counted"]


def test_a_chunk_of_a_file_that_changed_is_not_kept(spark, corpus, begun, tmp_path, monkeypatch):
    """Not even if the driver is killed before it looks at all files, and the file is put back."""
    shutil.copytree(corpus / "in", tmp_path / "in")
    victim, only = tmp_path / "in/part-001.parquet", encode_job.Documents.only

    def only_changed(self, files):
        if files[0].endswith(victim.name):
            shutil.copy(tmp_path / "in/part-000.parquet", victim)
        return only(self, files)

    monkeypatch.setattr(encode_job.Documents, "only", only_changed)
    with pytest.raises(InputError) as caught:
        encode_corpus(spark, config(tmp_path), Location.of(tmp_path / "run"))
    assert str(caught.value).startswith(f"{victim} changed while it was read: ")
    assert begun[-1] == victim.name, "another chunk was begun after it"
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_of_a_file_that_changed_is_not_kept(spark, corpus, begun, tmp_path, monkeypatch):
    shutil.copytree(corpus / "in", tmp_path / "in")
    victim, train, kept = tmp_path / "in/part-001.parquet", vocabulary_job.train_bpe, []

    def train_and_change(*args):
        shutil.copy(tmp_path / "in/part-000.parquet", victim)
        return train(*args)

    monkeypatch.setattr(vocabulary_job, "train_bpe", train_and_change)
    monkeypatch.setattr(vocabulary_job, "finish", lambda *args: kept.append(args))
    with pytest.raises(InputError, match=f"{victim} changed while it was read: "):
        encode_corpus(spark, config(tmp_path, FIRST), Location.of(tmp_path / "run"))
    assert kept == []
    assert not (tmp_path / "run").exists()


KILLED = """
from leadterm.pipeline.encode_corpus import job as encode
from leadterm.storage.staged import part_reports as finished
encode.CHUNK_BYTES, write, written = 1, finished.table_bytes, []
def killed(table):
    written.append(table)
    if len(written) == 8:
        kill()
    return write(table)
finished.table_bytes = killed
with spark_session("killed", PROPERTIES) as session:
    encode.encode_corpus(session, load_config({config!r}), Location.of({run!r}))
"""


@pytest.mark.slow
def test_a_driver_that_is_really_killed(spark, corpus, whole, begun, tmp_path, caplog):
    """With its Java, while it encodes."""
    path, run = tmp_path / "a.json", tmp_path / "run"
    path.write_text(config(corpus).model_dump_json(exclude_unset=True))
    run_killed(KILLED.format(config=str(path), run=str(run)))
    assert content_hashes(run) == {}
    ends_well(spark, corpus, run, whole(WORDS))
    assert said(caplog) == [
        "encode documents: reusing the tokenizer that was already made",
        "encode documents: 2 of 4 chunks had already been encoded",
    ]
    assert len(begun) == 2
