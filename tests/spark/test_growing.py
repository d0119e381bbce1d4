"""A run that grows by files, or is merged from runs over some of them, has the bytes of one run over all."""

import json
import shutil
from pathlib import Path

import pytest

from leadterm import Run
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.storage import Location, read_manifest
from leadterm.storage.integrity.check_run import check_run
from support.bad_input import put, texts
from support.growing import accounts, add, config_for, dealt, state, write_corpus
from support.jobs import PRODUCTS, make_config, names_in, run_both


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[Path]:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def reference(spark, corpus, tmp_path_factory) -> Run:
    return run_both(spark, config_for(*corpus), tmp_path_factory.mktemp("reference") / "run")


@pytest.mark.parametrize(("n_parts", "seed"), [(1, 0), (3, 1), (10, 2)])
def test_added_in_parts(spark, corpus, reference, tmp_path, n_parts, seed):
    """So a run that was added to ten times has as many files as one that was made at once."""
    for part in dealt(corpus, n_parts, seed):
        assert add(spark, tmp_path / "run", config_for(*corpus), *part)
    assert accounts(tmp_path / "run") == accounts(reference)
    assert names_in(tmp_path / "run") == sorted(PRODUCTS)
    assert check_run(Location.of(tmp_path / "run")).problems == ()


def test_merged_runs_and_merges_of_merges(spark, corpus, reference, tmp_path):
    """Runs of one part each, one of them by itself and two merged before; then nothing is left to do."""
    places = [Location.of(tmp_path / name) for name in ("a", "b", "c")]
    for part, place in zip(dealt(corpus, 3, 3), places, strict=True):
        run_both(spark, config_for(*part), Path(place.path))
    some, everything = Location.of(tmp_path / "some"), Location.of(tmp_path / "everything")
    assert merge_runs(spark, places[:0:-1], some)
    assert merge_runs(spark, [some, places[0]], everything)
    assert accounts(tmp_path / "everything") == accounts(reference)
    before = state(tmp_path / "everything")
    assert not merge_runs(spark, [*places], everything)
    assert state(tmp_path / "everything") == before

    shutil.rmtree(tmp_path / "everything/context")  # As if it had been stopped before this one.
    assert merge_runs(spark, places, everything, tasks=1)
    assert accounts(tmp_path / "everything") == accounts(reference)


def test_what_is_new_in_the_corpus_is_found(spark, corpus, reference, tmp_path, caplog):
    folder, run = tmp_path / "in", tmp_path / "run"
    folder.mkdir()
    links = [folder / path.name for path in corpus]
    for night, some in enumerate((links[:4], links[4:8], links[8:])):
        for link in some:
            shutil.copy(corpus[links.index(link)], link)
        assert add(spark, run, config_for(folder))
        assert read_manifest(Location.of(run), "sources").counts["files"] == (4, 8, 10)[night]
    expected = {name: hashes for name, hashes in accounts(reference).items() if name != "sources"}  # It tells paths.
    assert {name: hashes for name, hashes in accounts(run).items() if name != "sources"} == expected

    before = state(run)
    caplog.set_level("INFO", "leadterm")
    assert not add(spark, run, config_for(folder))
    assert "nothing to add: all 10 files have already been counted" in caplog.text
    assert state(run) == before


def test_the_tokenizer_of_another_run(spark, tmp_path):
    """A vocabulary that was trained once, on a sample, is then given: so runs over text grow too."""
    sentences = [f"the cat {n} sat, or {n * n} cats; the sea is {'deep ' * (n % 5)}" for n in range(60)]
    files = [put(tmp_path / f"in/{n}.parquet", texts(sentences[20 * n : 20 * n + 20])) for n in range(3)]
    trained = make_config(files[0], {"kind": "bpe", "vocabulary_size": 300})
    run_both(spark, trained, tmp_path / "sample")
    tokenizer = {"kind": "huggingface", "source": str(tmp_path / "sample/vocabulary/tokenizer.json")}
    config = make_config(tmp_path / "in", tokenizer, windows={"length": 8}, counting={"rows_per_file": 64})
    reference = run_both(spark, config, tmp_path / "reference")
    for file in reversed(files):
        assert add(spark, tmp_path / "run", config, file)
    assert accounts(tmp_path / "run") == accounts(reference)
    assert json.loads((tmp_path / "run/vocabulary/tokenizer.json").read_text())["model"]["type"] == "BPE"


def test_runs_of_words_whose_vocabularies_are_the_same(spark, tmp_path):
    """The most frequent words of both parts, in the same order in both, are those of the whole."""
    words = {"kind": "words", "vocabulary_size": 3, "unknown": "replace"}
    parts = [["a a a b b c c d"] * 5 + ["x a"], ["a a b b c c", "a a b b d c", "y a z a b"]]
    for number, part in enumerate(parts):
        put(tmp_path / f"in/{number}.parquet", texts(part))
        run_both(spark, make_config(tmp_path / f"in/{number}.parquet", words), tmp_path / f"run-{number}")
    reference = run_both(spark, make_config(tmp_path / "in", words), tmp_path / "reference")
    assert reference.vocabulary["token"].to_pylist() == ["a", "b", "c", "<unk>"]
    merge_runs(spark, [Location.of(tmp_path / f"run-{n}") for n in (1, 0)], Location.of(tmp_path / "merged"))
    assert accounts(tmp_path / "merged") == accounts(reference)
