"""Every document is accounted for, a limited corpus is its first documents, and a failure leaves nothing behind."""

from collections import Counter
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pytest

from leadterm import Run, open_run
from leadterm.errors import InputError, RunError
from leadterm.pipeline import lifecycle
from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences
from leadterm.pipeline.encode_corpus.corpus_chunks import Chunks
from leadterm.pipeline.encode_corpus.inputs.open_corpus import open_documents
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.pipeline.encode_corpus.make_tokenizer import bpe_tokenizer
from leadterm.storage import Location, staging
from leadterm.storage.read_products import PARTS
from support.jobs import PRODUCTS, data_hashes, make_config, names_in, run_both, write_files

KNOWN = "one two three one two three one two three"
TEXTS = [
    *[None] * 2,
    *[""] * 3,
    *["one"] * 4,  # too few characters
    *["one two " * 30] * 5,  # too many
    *["one two rare", "rare one two", "one rare rare two", "rare, one"],  # a word that is not frequent
    *["three", "  three   "],  # a single word
    *[KNOWN] * 6,
]


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory) -> Run:
    """A run in which a document is dropped for every reason."""
    place = tmp_path_factory.mktemp("accounts")
    write_files(place / "in", pa.array(TEXTS), 3, row_group=4)
    config = make_config(
        place / "in",
        {"kind": "words", "vocabulary_size": 3},
        corpus={"min_characters": 5, "max_characters": 100},
        windows={"length": 4, "files": 5},
    )
    return run_both(spark, config, place / "run")


def test_every_reason_to_drop_a_text(run):
    counts = run.manifest("windows").counts
    assert counts["dropped"] == {
        "null": 2,
        "empty": 3,
        "too_few_characters": 4,
        "too_many_characters": 5,
        "unknown_token": 4,
        "too_few_tokens": 2,
    }
    assert counts["documents"] == len(TEXTS) == counts["kept"] + sum(counts["dropped"].values())
    assert counts["kept"] == 6


def test_what_is_kept_is_accounted_for(run):
    counts = run.manifest("windows").counts
    assert counts["windows"] == 6 * 2 == len(list(run.windows()))
    assert counts["positions"] == 6 * 8 == run.n_positions == sum(len(window) - 1 for window in run.windows())
    assert counts["tokens"] == 6 * 9 == sum(run.vocabulary["count"].to_pylist())
    assert counts["vocabulary_size"] == 3 == run.vocabulary_size
    assert run.vocabulary["token"].to_pylist() == ["one", "two", "three"]
    assert names_in(Path(run.location.path)) == sorted(PRODUCTS)
    groups = [sum(entry.details.get("row_group_tokens", [])) for entry in run.manifest("windows").files]
    assert sum(groups) == counts["positions"] + counts["windows"]
    assert run.manifest("vocabulary").counts == {"vocabulary_size": 3, "tokens": 54}


def test_matrices_say_how_much_they_hold(run):
    for product in ("bigram", "context", "frequencies"):
        assert run.manifest(product).window_counts == {"vocabulary_size": 3, "windows": 12, "positions": 48}
    assert run.manifest("bigram").counts["total"] == "48"
    assert run.manifest("bigram").counts["nonzeros"] == run.bigram_counts().nnz == 3
    weights, _ = run.context_fixed_point()
    assert run.manifest("context").counts["total"] == str(sum(weights.data.tolist()))
    assert run.manifest("context").counts["nonzeros"] == weights.nnz
    for product in ("bigram", "context"):
        rows = sum(entry.details["rows"] for entry in run.manifest(product).files)
        assert rows == 3


def test_every_reason_to_drop_ids(spark, tmp_path):
    ids = [None, [], [], [1], [2], [3], [0, 1], [2] * 9]
    write_files(tmp_path / "in", pa.array(ids, pa.list_(pa.int64())), 2, name="ids")
    config = make_config(tmp_path / "in", {"kind": "ids", "vocabulary_size": 4}, corpus={"ids_column": "ids"})
    assert encode_corpus(spark, config, Location.of(tmp_path / "run"))
    counts = open_run(tmp_path / "run").manifest("windows").counts
    assert counts["documents"] == 8
    assert counts["kept"] == 2
    assert {reason: n for reason, n in counts["dropped"].items() if n} == {"null": 1, "empty": 2, "too_few_tokens": 3}
    assert (counts["windows"], counts["positions"], counts["tokens"]) == (2, 9, 11)


def test_a_trained_tokenizer_has_the_tokens_that_the_text_gives(spark, tmp_path, caplog):
    write_files(tmp_path / "in", pa.array(["ab ab", "ab", "", None]), 2)
    config = make_config(tmp_path / "in", {"kind": "bpe", "vocabulary_size": 1000})
    with caplog.at_level("INFO", logger="leadterm"):
        assert encode_corpus(spark, config, Location.of(tmp_path / "run"))
    assert "the text yields only 258 tokens; tokenizer.vocabulary_size is 1,000" in caplog.messages
    run = open_run(tmp_path / "run")
    assert run.vocabulary["token"].to_pylist()[256:] == ["ab", "Ġab"]
    counts = run.manifest("windows").counts
    assert (counts["vocabulary_size"], counts["kept"], counts["tokens"]) == (258, 1, 2)
    assert run.manifest("windows").seconds["tokenizer"] > 0


@pytest.mark.parametrize(
    ("limits", "merges"),
    [({}, ["cd", "ab", "ef", "cdcd", "gh"]), ({"MOST_PIECES": 1}, ["ab"]), ({"MOST_BYTES": 7}, ["cd", "ab", "cdcd"])],
)
def test_a_tokenizer_is_trained_on_the_most_frequent_pieces(spark, tmp_path, monkeypatch, limits, merges):
    write_files(tmp_path / "in", pa.array(["ab", "cdcd", "ef"] * 2 + ["ab", "gh"]), 2)
    for name, value in limits.items():
        monkeypatch.setattr(f"leadterm.pipeline.encode_corpus.make_tokenizer.{name}", value)
    config = make_config(tmp_path / "in", {"kind": "bpe", "vocabulary_size": 300})
    documents = open_documents(spark, config.corpus)
    tokenizer = bpe_tokenizer(Chunks(documents, [list(documents.stamps)], Location.of(tmp_path)), config.tokenizer)
    assert list(tokenizer.tokens[256:]) == merges


def test_a_corpus_that_leaves_nothing_says_why(spark, tmp_path):
    write_files(tmp_path / "in", pa.array(["a", None, "", "b"]), 2)
    config = make_config(tmp_path / "in", {"kind": "words", "vocabulary_size": 9})
    message = r"none of its 4 documents gave a window \(null: 1, empty: 1, too_few_tokens: 2\)"
    with pytest.raises(InputError, match=message):
        encode_corpus(spark, config, Location.of(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def numbered() -> list[str | None]:
    """Return documents that differ in length, with ineligible ones of each kind between them."""
    between = ([], [""], [None], ["?"], ["long " * 400])
    return list(chain.from_iterable([*between[i % 5], "a b " * (i + 2)] for i in range(30)))


def is_eligible(text: str | None) -> bool:
    return text is not None and 2 <= len(text) <= 1000


@pytest.mark.parametrize(("wanted", "n_files"), [(1, 3), (17, 1), (17, 5), (1000, 2)])
def test_max_documents_are_the_first_eligible_ones(spark, tmp_path, wanted, n_files):
    texts = numbered()
    expected = [text for text in texts if is_eligible(text)][:wanted]
    write_files(tmp_path / "in", pa.array(texts), n_files, row_group=8)
    config = make_config(
        tmp_path / "in",
        {"kind": "words", "vocabulary_size": 2, "unknown": "replace"},
        corpus={"max_documents": wanted, "min_characters": 2, "max_characters": 1000},
        windows={"length": 500, "files": 2},
    )
    before = spark.conf.get("spark.sql.files.maxPartitionBytes")
    spark.conf.set("spark.sql.files.maxPartitionBytes", "2000")
    try:
        assert encode_corpus(spark, config, Location.of(tmp_path / "run"))
    finally:
        spark.conf.set("spark.sql.files.maxPartitionBytes", before)
    run = open_run(tmp_path / "run")
    assert Counter(map(len, run.windows())) == Counter(len(text.split()) for text in expected)
    counts = run.manifest("windows").counts
    assert counts["kept"] == len(expected) == min(wanted, 30)
    assert counts["documents"] == counts["kept"] + sum(counts["dropped"].values())
    if wanted < 30:  # the last document that is read is the last one wanted
        assert counts["documents"] == texts.index(expected[-1]) + 1


@contextmanager
def staging_without_room(run, stage=None):
    """Open a staging folder in which executors cannot write: a file takes the place of their folder."""
    with staging(run, stage) as staged:
        (staged.folder / PARTS).remove()
        (staged.folder / PARTS).write_bytes(b"")
        yield staged


def tiny_config(tmp_path, text="a b a b c"):
    write_files(tmp_path / "in", pa.array([text, "a b"]), 1)
    return make_config(tmp_path / "in", {"kind": "words", "vocabulary_size": 5})


def test_a_writer_that_fails_leaves_nothing(spark, tmp_path, monkeypatch):
    config, run = tiny_config(tmp_path), Location.of(tmp_path / "run")
    monkeypatch.setattr(lifecycle, "staging", staging_without_room)
    with pytest.raises(Exception, match=r"parts"):
        encode_corpus(spark, config, run)
    assert not (tmp_path / "run").exists()
    monkeypatch.undo()

    assert encode_corpus(spark, config, run)
    monkeypatch.setattr(lifecycle, "staging", staging_without_room)
    with pytest.raises(Exception, match=r"parts"):
        count_cooccurrences(spark, config, run)
    assert names_in(tmp_path / "run") == ["documents", "sources", "vocabulary", "windows"]
    monkeypatch.undo()
    assert count_cooccurrences(spark, config, run)  # nothing is in the way of the next try
    assert open_run(tmp_path / "run").bigram_counts().sum() == 5


def test_another_corpus_is_refused_or_replaces_all(spark, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    first, second = tiny_config(tmp_path), tiny_config(tmp_path / "other", "b a c c c")
    run = run_both(spark, first, tmp_path / "run")
    before = data_hashes(run)
    with pytest.raises(RunError, match=r"contains another run: its 'sources' differs in made from corpus"):
        encode_corpus(spark, second, run.location)

    monkeypatch.setattr(lifecycle, "staging", staging_without_room)
    with pytest.raises(Exception, match=r"parts"):
        encode_corpus(spark, second, run.location, overwrite=True)
    monkeypatch.undo()
    assert data_hashes(open_run(tmp_path / "run")) == before  # replaced whole or not at all

    assert encode_corpus(spark, second, run.location, overwrite=True)
    with pytest.raises(RunError, match=r"its 'bigram' differs in made from windows"):
        count_cooccurrences(spark, second, run.location)
    assert count_cooccurrences(spark, second, run.location, overwrite=True)
    fresh = run_both(spark, second, tmp_path / "fresh")
    assert data_hashes(open_run(tmp_path / "run")) == data_hashes(fresh)
    assert names_in(tmp_path / "run") == sorted(PRODUCTS)
