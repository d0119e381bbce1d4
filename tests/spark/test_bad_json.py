"""Broken JSON lines are refused with the file and the line; whole ones are read, compressed too."""

import bz2
import gzip

import pytest

from leadterm.reading.line_blocks import BLOCK as SAMPLED_BYTES
from support.bad_input import TEXTS, account, encode, flip, json_lines, put, put_lines, refusal

MANY = json_lines(TEXTS * 10)


@pytest.fixture
def refuse(spark, tmp_path):
    return lambda *args, **corpus: refusal(spark, tmp_path, *args, format="json", **corpus)


def test_a_broken_line_far_into_the_second_file(refuse, tmp_path):
    put_lines(tmp_path / "in/a.jsonl", MANY)
    path = put_lines(tmp_path / "in/b.jsonl", [*MANY[:400], '{"text": "the cat', *MANY[400:]])
    put_lines(tmp_path / "in/c.jsonl", MANY[1:])
    assert refuse(tmp_path / "in") == (
        f"{path}, line 401: it is not a JSON object (Unterminated string starting at: line 1 column 10 (char 9)): "
        '\'{"text": "the cat\'. Correct the line or leave the file out.'
    )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            ["hello"],
            "its line 1: it is not a JSON object (Expecting value: line 1 column 1 (char 0)): 'hello'. Correct",
        ),
        (
            ["[", *(f"{line}," for line in MANY[:5]), "{}]"],
            "its line 1: it is not a JSON object (Expecting value: line 1 column 2 (char 1)): '['. Correct the line "
            "or ",
        ),
        (
            ["[1, 2]"],
            "its line 1: it is JSON but not an object: '[1, 2]'. Each line must be an object with the key 'text'.",
        ),
        (['{"body": "a", "n": 1}'] * 9, "none of its first 9 lines has the key 'text'; their keys: body, n. Correct"),
        (
            ['{"text": 5}'],
            "its line 1: 'text' is 5; expected a string. Correct the line or corpus.format, or leave the file out.",
        ),
        (
            ['{"text": ["a"]}'],
            "its line 1: 'text' is a list of texts: [\"a\"]. To join a list of texts into one document, set the",
        ),
    ],
)
def test_a_file_that_starts_wrong_is_named_before_the_start(refuse, tmp_path, lines, reason):
    put_lines(tmp_path / "in/good.jsonl", MANY)
    path = put_lines(tmp_path / "in/bad.jsonl", lines)
    assert f"1 of 2 input files cannot be used: {path}: {reason}" in refuse(tmp_path / "in")


def test_a_nested_key_that_is_missing(refuse, tmp_path):
    path = put_lines(tmp_path / "a.jsonl", ['{"content": {"body": "a"}}', '{"content": null}'])
    assert "none of its first 2 lines has the key 'content.text'; their keys: content." in refuse(
        path, text_column="content.text"
    )


def test_a_parquet_file_given_as_json(refuse, tmp_path):
    message = refuse(put(tmp_path / "a.parquet"))
    assert message.endswith("it is a Parquet file. Set corpus.format to parquet, or leave it out.")


def test_a_json_file_given_as_parquet(spark, tmp_path):
    message = refusal(spark, tmp_path, put_lines(tmp_path / "a.jsonl", MANY))
    assert "it cannot be read as Parquet (Parquet magic bytes not found in footer" in message


def test_files_without_a_line(refuse, tmp_path):
    put_lines(tmp_path / "in/a.jsonl", [])
    put_lines(tmp_path / "in/b.jsonl", ["", " "])
    assert refuse(tmp_path / "in").startswith("the corpus is empty: its 2 files contain no rows.")


@pytest.mark.parametrize("value", ['["a"]', "[1.5, 2]", "[1, null]", "3", '"1 2"'])
def test_ids_of_another_type(refuse, tmp_path, value):
    path = put_lines(tmp_path / "a.jsonl", ['{"ids": [1, 2]}'] * 200 + [f'{{"ids": {value}}}'])
    message = refuse(path, ids_column="ids")
    assert message.startswith(f"{path}, line 201: 'ids' is {value}; expected a list of integers.")
    first = put_lines(tmp_path / "b.jsonl", [f'{{"ids": {value}}}'])
    assert f"{first}: its line 1: 'ids' is {value}; expected a list of integers." in refuse(first, ids_column="ids")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_gz_is_named_before_the_start(refuse, tmp_path, damage):
    put_lines(tmp_path / "in/a.jsonl", MANY)
    path = tmp_path / "in/b.jsonl.gz"
    text = "\n".join(MANY).encode()
    path.write_bytes(gzip.compress(text * (4 * SAMPLED_BYTES // len(text))))  # The damage lies behind the sample.
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        flip(path, path.stat().st_size * 3 // 4)
    assert f"1 of 2 input files cannot be used: {path}: it cannot be read (" in refuse(tmp_path / "in")


@pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_compressed_lines_give_what_plain_ones_give(spark, tmp_path, suffix, compress):
    plain = put_lines(tmp_path / "a.jsonl", MANY)
    packed = tmp_path / f"b.jsonl.{suffix}"
    packed.write_bytes(compress(plain.read_bytes()))
    runs = [encode(spark, tmp_path / f"run-{path.name}", path, format="json") for path in (plain, packed)]
    first, second = ([entry.sha256 for entry in run.manifest("windows").files[:-1]] for run in runs)
    assert first == second


def test_null_missing_and_empty_texts_are_counted(spark, tmp_path):
    lines = [*MANY[:10], '{"text": null}', '{"n": 3}', "", '{"text": ""}', '{"text": "a"}']
    run = encode(spark, tmp_path / "run", put_lines(tmp_path / "a.jsonl", lines), format="json")
    assert account(run) == {"documents": 14, "kept": 10, "null": 2, "empty": 1, "too_few_tokens": 1}


def test_nested_keys_and_keys_with_dots(spark, tmp_path):
    nested = put_lines(tmp_path / "a.jsonl", ['{"content": {"text": "a b c"}}', '{"content": null}'])
    dotted = put_lines(tmp_path / "b.jsonl", ['{"content.text": "a b c"}', '{"content.text": null}'])
    for path in (nested, dotted):
        run = encode(spark, tmp_path / f"run-{path.stem}", path, format="json", text_column="content.text")
        assert account(run) == {"documents": 2, "kept": 1, "null": 1}
