"""A sample is encoded as the job encodes it: the same windows, every document accounted for."""

from itertools import pairwise

import pyarrow as pa
import pytest

from leadterm.corpus import WordTokenizer
from leadterm.pipeline.encode_corpus.task import Tally
from leadterm.planner.corpus_size import size_corpus
from leadterm.planner.encode_sample import encode_sample
from leadterm.planner.sampling import draw
from support.jobs import make_config, write_files

TEXTS = ["one two three one two", "one two", "", None, "two two three four", "three"] * 5


@pytest.fixture
def words(tmp_path):
    write_files(tmp_path / "in", pa.array(TEXTS), 2)
    tokenizer = {"kind": "words", "vocabulary_size": 3, "unknown": "replace"}
    return make_config(tmp_path / "in", tokenizer, windows={"length": 3})


def test_windows_are_those_of_the_documents(words):
    encoded = encode_sample(words, draw(words.corpus, words.windows, 10**6, 0))
    assert list(encoded.tokenizer.tokens) == ["two", "one", "three", "<unk>"]
    expected = WordTokenizer(["two", "one", "three"], "replace").encode([text for text in TEXTS if text]).tokens
    lists = sorted(tuple(ids.tolist()) for ids in expected if len(ids) > 1)
    windows = sorted(window for ids in lists for window in (ids[:4], ids[3:]) if len(window) > 1)
    tokens, offsets = encoded.flat
    assert sorted(tuple(tokens[a:b].tolist()) for a, b in pairwise(offsets.tolist())) == windows
    assert encoded.token_counts.tolist() == [5 * n for n in (5, 3, 2, 1)]
    assert (encoded.tally[Tally.NULL], encoded.tally[Tally.EMPTY], encoded.tally[Tally.TOO_FEW_TOKENS]) == (5, 5, 5)


def test_the_corpus_is_as_large_as_its_sample_where_that_is_all(words):
    drawn = draw(words.corpus, words.windows, 10**6, 0)
    size = size_corpus(words, drawn, encode_sample(words, drawn))
    found = [size.documents, size.kept, size.windows, size.positions, size.vocabulary, size.largest_count]
    assert [one.value for one in found] == [30, 15, 20, 40, 4, 25]
    assert all(one.is_exact for one in found)


def test_a_tokenizer_that_is_given_costs_nothing_for_a_byte(tmp_path):
    write_files(tmp_path / "in", pa.array([[0, 1, 2]] * 9), 1, name="ids")
    config = make_config(tmp_path / "in", {"kind": "ids", "vocabulary_size": 3}, corpus={"ids_column": "ids"})
    encoded = encode_sample(config, draw(config.corpus, config.windows, 100, 0))
    assert encoded.tokenizer_seconds == 0
    assert 0 < encoded.seconds < 1
