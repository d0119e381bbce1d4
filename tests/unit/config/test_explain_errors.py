"""Each wrong setting is told with its dotted key, what was found, what is allowed, and what to do."""

import pytest

from leadterm.config import Config, parse_config
from leadterm.errors import ConfigError

WORDS = {"kind": "words", "vocabulary_size": 5}
IDS = {"kind": "ids", "vocabulary_size": 5}


def message_of(**changes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config({"corpus": {"paths": ["a"]}, "tokenizer": WORDS, **changes}, "run.yaml")
    return str(caught.value)


def test_an_unknown_key_and_the_nearest_one():
    assert message_of(windows={"lenght": 3}) == (
        "run.yaml: windows.lenght: unknown key; expected one of length, policy, files. Did you mean 'windows.length'?"
    )


def test_a_key_of_another_section():
    assert message_of(scale_bit=3).endswith("Did you mean 'counting.scale_bits'?")


def test_an_unknown_key_like_no_other():
    assert message_of(zzz=3) == (
        f"run.yaml: zzz: unknown key; expected one of {', '.join(Config.model_fields)}. Remove it."
    )


def test_a_key_of_another_kind_of_tokenizer():
    assert message_of(tokenizer={**WORDS, "revision": "a"}) == (
        "run.yaml: tokenizer.revision: unknown key; expected one of kind, vocabulary_size, unknown. "
        "It belongs to another kind; remove it, or change the kind."
    )


def test_an_unknown_kind_of_tokenizer():
    assert message_of(tokenizer={"kind": "word"}) == (
        "run.yaml: tokenizer.kind: found 'word' (text); expected one of words, bpe, huggingface, ids. "
        "Did you mean 'words'?"
    )
    assert "tokenizer.kind: this key is missing; expected one of words" in message_of(tokenizer={})
    assert "tokenizer: found 'words' (text); expected a mapping with the keys kind," in message_of(tokenizer="words")


def test_a_vocabulary_without_room_for_the_bytes():
    assert message_of(tokenizer={"kind": "bpe", "vocabulary_size": 255}) == (
        "run.yaml: tokenizer.vocabulary_size: found 255 (an integer); expected an integer from 256 to 67108864 "
        "(V: the 256 bytes and merges of frequent pairs, as many as the text provides; tokens). Change it."
    )
    message = message_of(tokenizer={"kind": "bpe", "vocabulary_size": 300, "training_documents": 0})
    expected = "tokenizer.training_documents: found 0 (an integer); expected an integer from 1 to 2147483647 or null ("
    assert expected in message


def test_several_problems_at_once():
    message = message_of(windows={"policy": "tiles", "length": "3", "files": 1.0})
    assert message.splitlines()[0] == "run.yaml: 3 problems:"
    assert (
        "  windows.length: found '3' (text); expected an integer from 1 to 65536 "
        "(T, the maximum number of positions in a window; tokens; default 128). Change it."
    ) in message
    assert "  windows.policy: found 'tiles' (text); expected one of tile, first (" in message
    assert "  windows.files: found 1.0 (a number); expected an integer from 1 to 65536 (" in message


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("windows", "length", 0, "an integer from 1 to 65536"),
        ("windows", "length", 65_537, "an integer from 1 to 65536"),
        ("windows", "files", 0, "an integer from 1 to 65536"),
        ("counting", "scale_bits", 7, "an integer from 8 to 40"),
        ("counting", "scale_bits", 41, "an integer from 8 to 40"),
        ("counting", "rows_per_file", 0, "an integer of at least 1"),
        ("counting", "memory_per_task", 2**26 - 1, "an integer of at least 67108864"),
        ("counting", "memory_per_task", "63MiB", "an integer of at least 67108864"),
        ("counting", "memory_per_task", "1 pound", "a number and a unit (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB)"),
        ("counting", "memory_per_task", "100000000.5", "a whole number of bytes, such as 512MiB"),
        ("associations", "k", 0, "an integer of at least 1"),
        ("associations", "tokens", "bird", "a list of texts"),
    ],
)
def test_ranges_and_types(section, key, value, expected):
    message = message_of(**{section: {key: value}})
    assert message.startswith(f"run.yaml: {section}.{key}: found ")
    assert f"expected {expected}" in message


@pytest.mark.parametrize("key", ["min_characters", "max_documents"])
@pytest.mark.parametrize(("value", "found"), [(True, "True (a boolean; put"), (-1, "-1 (an integer)"), (2.0, "2.0 (a")])
def test_numbers_of_the_corpus(key, value, found):
    assert f"corpus.{key}: found {found}" in message_of(corpus={"paths": ["a"], key: value})


@pytest.mark.parametrize(
    ("paths", "place", "found"),
    [([], "corpus.paths", "[] (a list)"), ("a", "corpus.paths", "'a' (text)"), (["a", 3], "corpus.paths[1]", "3 (an")],
)
def test_paths(paths, place, found):
    message = message_of(corpus={"paths": paths})
    assert message.startswith(f"run.yaml: {place}: found {found}")
    assert "expected a list of texts (files, folders, globs or URLs, including hf://datasets/owner/name@" in message


def test_a_word_that_yaml_reads_as_a_boolean():
    message = message_of(corpus={"paths": ["a"], "text_column": True})
    assert "corpus.text_column: found True (a boolean; put words such as on, off, yes, no in quotes)" in message


def test_missing_sections_and_keys():
    with pytest.raises(ConfigError, match=r"2 problems:\n  corpus: this key is missing; expected a mapping with the"):
        parse_config({})
    assert "corpus.paths: this key is missing; expected a list of texts (" in message_of(corpus={})
    message = message_of(tokenizer={"kind": "words"})
    assert "tokenizer.vocabulary_size: this key is missing; expected an integer from 1 to 67108864" in message
    assert message.endswith("Add it.")


def test_text_and_ids_exclude_each_other():
    assert message_of(corpus={"paths": ["a"], "ids_column": "x", "text_column": "t"}) == (
        "run.yaml: corpus: text_column is 't' and ids_column is 'x', but documents are either text or ids. "
        "Remove one of the two."
    )


@pytest.mark.parametrize("key", ["min_characters", "max_characters"])
def test_ids_have_no_characters(key):
    message = message_of(corpus={"paths": ["a"], "ids_column": "x", key: 3}, tokenizer=IDS)
    assert "corpus: min_characters and max_characters count the characters of a text, but ids_column is 'x'." in message


def test_bounds_that_no_document_meets():
    message = message_of(corpus={"paths": ["a"], "min_characters": 5, "max_characters": 4})
    assert "min_characters is 5 and max_characters is 4: no document can be kept. Lower" in message


def test_ids_need_the_ids_tokenizer_and_the_reverse():
    assert message_of(corpus={"paths": ["a"], "ids_column": "x"}) == (
        "run.yaml: tokenizer.kind is 'words' and corpus.ids_column is 'x', but tokenizer.kind: ids and "
        "corpus.ids_column go together. Set tokenizer.kind to ids."
    )
    message = message_of(corpus={"paths": ["a"], "ids_column": "x"}, tokenizer={"kind": "bpe", "vocabulary_size": 300})
    assert message.startswith("run.yaml: tokenizer.kind is 'bpe' and corpus.ids_column is 'x', but tokenizer.kind: ids")
    assert message_of(tokenizer=IDS).endswith("go together. Name the column in corpus.ids_column.")


def test_spark_properties():
    assert message_of(spark={"foo": 1}) == (
        "run.yaml: spark.foo: found 'foo'; expected the name of a Spark property, "
        "which starts with 'spark.'. Correct the name."
    )
    assert message_of(spark={3: 1}).startswith("run.yaml: spark[3]: found 3;")
    for value, found in (([1], "[1] (a list)"), (None, "None (nothing)"), (float("nan"), "nan (a number)")):
        assert message_of(spark={"spark.a": value}) == (
            f"run.yaml: spark['spark.a']: found {found}; expected text, a number, true or false. Change it."
        )


def test_long_values_are_shortened():
    assert "found '" + "x" * 56 + "... (text)" in message_of(windows={"length": "x" * 1000})
