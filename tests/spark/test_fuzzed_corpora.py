"""Corpora of odd files, some 2,000 in all: each is read, or refused, as by a reader in plain Python.

The first lines of pytest say which seed was used; ``LEADTERM_FUZZ_SEED`` makes the same files again.
"""

import os
from collections import Counter

import pytest

from leadterm import open_run
from leadterm.config import parse_config
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.reading import format_checks as rules
from leadterm.reading import line_blocks as lines
from leadterm.reading import parquet_documents
from leadterm.storage import Location
from support.bad_input import account
from support.door import read_by_leadterm
from support.odd_corpora import SETTINGS, odd_files
from support.odd_corpora.corpus import LEFT_OUT, Corpus, write_corpus
from support.reference_reader import account as expected_account
from support.reference_reader import windows

SEED = int(os.environ["LEADTERM_FUZZ_SEED"])
FILES = 134


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda setting: setting.name)
def corpus(request, tmp_path_factory) -> Corpus:
    folder = tmp_path_factory.mktemp(request.param.name.replace(" ", "-"))
    return write_corpus(request.param, folder, list(odd_files(SEED, request.param, FILES)))


@pytest.mark.parametrize("parts", [1, 10], ids=["whole", "in parts"])
def test_each_file_is_read_or_refused_as_by_the_reference(corpus, monkeypatch, parts):
    """A file with a random other byte may be refused where the reference reads it, but not read as something else."""
    wrong = []
    for path, odd in corpus.odd.items():
        if parts > 1:  # Lines go through several blocks, row groups through several batches.
            monkeypatch.setattr(lines, "BLOCK", 1 + len(odd.data) // parts)
            monkeypatch.setattr(rules, "BLOCK", 1 + len(odd.data) // parts)
            monkeypatch.setattr(parquet_documents, "MOST_ROWS", 1 + len(odd.data) % parts)
        expected, found = corpus.good.get(path), read_by_leadterm(path, corpus.config(path))
        is_right = expected is None if isinstance(found, str) else found == corpus.doubtful.get(path, expected)
        if not is_right:
            why = corpus.bad.get(path, expected)
            wrong.append(f"{path} ({', '.join(odd.oddities)}): found {found!r:.300}; expected {why!r:.100}")
    assert not wrong, "\n".join([f"LEADTERM_FUZZ_SEED={SEED}", *wrong])


def test_the_good_files_are_counted_to_the_last_window(corpus, spark, tmp_path):
    assert encode_corpus(spark, parse_config(corpus.config(corpus.folder / "good")), Location.of(tmp_path / "run"))
    run, limits = open_run(tmp_path / "run"), corpus.setting.limits
    seed = f"LEADTERM_FUZZ_SEED={SEED}"
    assert account(run) == expected_account(corpus.documents, limits), seed
    tokens = range(limits.vocabulary_size) if corpus.setting.asked.is_ids else run.vocabulary["token"].to_pylist()
    found = Counter(tuple(tokens[i] for i in row.tolist()) for row in run.windows())
    assert found == windows(corpus.documents, limits), seed
    assert run.source_files.num_rows == len(corpus.good), seed
    assert run.manifest("sources").counts["left_out"] == len(LEFT_OUT), seed
    assert {(row["bytes"], row["sha256"], row["rows"]) for row in run.source_files.to_pylist()} == corpus.sources, seed


def test_a_bad_file_among_good_ones_is_named(corpus, spark, tmp_path):
    bad = sorted(corpus.bad)[SEED % len(corpus.bad)]
    config = parse_config(corpus.config(corpus.folder / "good", bad))
    with pytest.raises(InputError) as caught:
        encode_corpus(spark, config, Location.of(tmp_path / "run"))
    assert str(bad) in str(caught.value), f"LEADTERM_FUZZ_SEED={SEED}: {corpus.bad[bad]}: {caught.value}"
    assert not (tmp_path / "run").exists()
