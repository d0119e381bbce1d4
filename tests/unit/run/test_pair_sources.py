"""The documents behind an association: shares equal a plain loop, add up to the entry, and show the text."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from leadterm import Run, open_run
from leadterm.cli.main import main
from leadterm.corpus import WordTokenizer, count_words, cut_windows, most_frequent, read_sample
from leadterm.corpus.token_names import TokenNames
from leadterm.errors import InputError, LeadtermError
from leadterm.run.passages import AROUND, passage_of
from support.naive_counts import count_windows, fixed_point
from support.written_runs import write_run

LENGTH, SIZE = 32, 500


@pytest.fixture(scope="module")
def windows() -> tuple[list[str], list[list[int]]]:
    """Tokens and windows of twenty chapters, as tests of reading a run have them; each window is a document."""
    texts = read_sample()["text"].to_pylist()[::60]
    tokenizer = WordTokenizer(most_frequent(count_words(texts), SIZE - 1), "replace")
    return list(tokenizer.tokens), [one.tolist() for one in cut_windows(tokenizer.encode(texts).tokens, LENGTH).tokens]


@pytest.fixture(scope="module")
def run(windows, tmp_path_factory) -> Run:
    return write_run(tmp_path_factory.mktemp("runs") / "sample", windows[1], windows[0], LENGTH)


@pytest.mark.parametrize("kind", ["bigram", "context"])
@pytest.mark.parametrize("pair", [("the", "lord"), ("of", "the"), ("and", "the")])
def test_equal_to_the_loop_and_adds_up(run, windows, pair, kind):
    tokens, lists = windows
    earlier, later = map(tokens.index, pair)
    expected = {}
    for document, window in enumerate(lists):
        counts = count_windows([window], fixed_point(32))
        units = counts.bigram[earlier, later] if kind == "bigram" else counts.context[later, earlier]
        if units:
            expected[document] = units
    found = run.sources(*pair, kind, k=None)
    assert dict(zip(found["document"].to_pylist(), found["units"].to_pylist(), strict=True)) == expected != {}
    matrix = run.bigram_counts() if kind == "bigram" else run.context_fixed_point()[0].T.tocsr()
    total = sum(found["units"].to_pylist())
    assert total == matrix[earlier, later]
    # Each share is one division, rounded once: n of them are within n eps of 1 together.
    assert sum(found["share"].to_pylist()) == pytest.approx(1, abs=len(found) * np.finfo(float).eps)
    order = list(zip(found["units"].to_pylist(), found["document"].to_pylist(), strict=True))
    assert order == sorted(order, key=lambda row: (-row[0], row[1]))
    assert run.sources(*pair, kind, k=3).equals(found[:3])


def test_the_table_is_the_one_promised(run):
    found = run.sources("the", "lord")
    kinds = {"document": pa.int64(), "path": pa.string(), "row": pa.int64(), "units": pa.int64()}
    kinds |= {"share": pa.float64(), "passage": pa.string(), "copies": pa.int32()}
    assert {field.name: field.type for field in found.schema} == kinds
    assert len(found) == 20
    assert found["path"].null_count == 20, "a run without the product tells no places"
    assert all("the lord" in passage for passage in found["passage"].to_pylist())


def test_passages_of_contexts_show_both_tokens(run):
    for passage in run.sources("king", "the", "context")["passage"].to_pylist():
        words = passage.split()
        assert words.index("king") < len(words) - 1 - words[::-1].index("the")


def test_a_passage_is_where_the_pair_weighs_most_and_leaves_out_what_lies_between():
    window = np.array([1, 9, *range(20, 20 + 3 * AROUND), 2, 1, 2], dtype=np.int32)
    first, second = passage_of(window, 9, 2, adjacent=False).pieces
    assert (first[:2], second[-3:], len(first), len(second)) == ([1, 9], [2, 1, 2], AROUND + 2, AROUND + 3)
    assert passage_of(window, 1, 2, adjacent=True).pieces == (window[-AROUND - 2 :].tolist(),)
    assert passage_of(window, 1, 2, adjacent=False).weight == 2 / (len(window) - 1)
    assert passage_of(window, 2, 9, adjacent=False) is None
    assert passage_of(window, 9, 9, adjacent=False) is None


def test_tokens_that_are_no_words_are_joined_as_text():
    assert TokenNames(["▁bread", "s", "<0x0A>", "▁"]).text([0, 1, 2]) == " breads\n"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("bred", "the"), "'bred' is not in the vocabulary of 500 tokens"),
        (("king", "the", "query_key"), "map is 'bigram' or 'context', not 'query_key'"),
        (("king", "the", "bigram", 0), "k is the number of documents, at least 1"),
        (
            ("the", "the"),
            r"'the' never follows 'the' in the [\d,]+ positions of .*: the entry of its bigram matrix is 0",
        ),
    ],
)
def test_what_cannot_be_found_is_told(run, call, message):
    with pytest.raises(InputError, match=message):
        run.sources(*call)


def test_a_matrix_of_other_windows_is_noticed(run, windows, tmp_path):
    """As if a window had been lost: what is left does not sum to the entry."""
    write_run(tmp_path / "whole", windows[1], windows[0], LENGTH)
    write_run(tmp_path / "part", windows[1][1:], windows[0], LENGTH)
    (tmp_path / "whole/windows").rename(tmp_path / "old")
    (tmp_path / "part/windows").rename(tmp_path / "whole/windows")
    ids = Counter(zip(windows[1][0], windows[1][0][1:], strict=False)).most_common(1)[0][0]
    with pytest.raises(LeadtermError, match=r"consistency check failed: the documents of .* leadterm check RUN"):
        open_run(tmp_path / "whole").sources(*(windows[0][one] for one in ids))


def test_the_command_lists_shares_and_passages(run, capsys):
    place = str(run.location.path)
    assert main(["sources", place, "the", "lord", "-k", "2"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    found = run.sources("the", "lord", k=2)
    assert first.startswith("'the' → 'lord' in the bigram matrix: ")
    assert first.endswith("% of the entry in 2 documents")
    assert lines[1].strip() == found["passage"][0].as_py()
    assert f"{found['units'][0].as_py():,}" in lines[0]
    assert main(["sources", place, "king", "kingdo"]) == 1
    assert "did you mean" in capsys.readouterr().err
