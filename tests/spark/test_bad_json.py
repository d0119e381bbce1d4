"""Broken JSON lines are refused with the file and the line; whole ones are read, compressed too."""

import bz2
import gzip

import pytest

from leadterm.spark.rules import SAMPLED_BYTES
from support.bad_input import TEXTS, account, encode, flip, json_lines, put, put_lines, refusal

MANY = json_lines(TEXTS * 10)


@pytest.fixture
def refuse(spark, tmp_path):
    return lambda *args, **corpus: refusal(spark, tmp_path, *args, format="json", **corpus)


def test_a_broken_line_far_into_the_second_file(refuse, tmp_path):
    put_lines(tmp_path / "in/a.jsonl", MANY)
    path = put_lines(tmp_path / "in/b.jsonl", [*MANY[:400], '{"text": "the cat', *MANY[400:]])
    put_lines(tmp_path / "in/c.jsonl", MANY)
    assert refuse(tmp_path / "in") == (
        f"{path} holds a line that is not JSON, or whose value has another type: "
        '\'{"text": "the cat\'. Correct the line or leave the file out.'
    )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["hello"], "it does not hold JSON lines ('hello' in line 1: Expecting value"),
        (["[", *(f"{line}," for line in MANY[:5]), "{}]"], "it does not hold JSON lines ('[' in line 1: "),
        (["[1, 2]"], "its line 1 is JSON but no object: '[1, 2]'. Each line must be an object with the key 'text'."),
        (['{"body": "a", "n": 1}'] * 9, "none of its first 9 lines has the key 'text'; their keys: body, n. Correct"),
        (['{"text": 5}'], "'text' in its line 1 is 5; expected a string. Correct the config or the file."),
        (['{"text": ["a"]}'], "'text' in its line 1 is [\"a\"]; expected a string."),
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
    assert "it does not hold JSON lines ('PAR1" in message
    assert message.endswith("Correct corpus.format, or leave it out.")


def test_a_json_file_given_as_parquet(spark, tmp_path):
    message = refusal(spark, tmp_path, put_lines(tmp_path / "a.jsonl", MANY))
    assert "it cannot be read as Parquet (Parquet magic bytes not found in footer" in message


def test_files_without_a_line(refuse, tmp_path):
    put_lines(tmp_path / "in/a.jsonl", [])
    put_lines(tmp_path / "in/b.jsonl", ["", " "])
    assert refuse(tmp_path / "in").startswith("the corpus is empty: its 2 files hold no row.")


@pytest.mark.parametrize("value", ['["a"]', "[1.5, 2]", "[1, null]", "3", '"1 2"'])
def test_ids_of_another_type(refuse, tmp_path, value):
    path = put_lines(tmp_path / "a.jsonl", ['{"ids": [1, 2]}'] * 200 + [f'{{"ids": {value}}}'])
    message = refuse(path, ids_column="ids")
    expected = "holds a bad list of ids, [1, None]" if "null" in value else "holds a line that is not JSON, or whose va"
    assert message.startswith(f"{path} {expected}")
    first = put_lines(tmp_path / "b.jsonl", [f'{{"ids": {value}}}'])
    assert f"{first}: 'ids' in its line 1 is {value}; expected a list of integers." in refuse(first, ids_column="ids")


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
