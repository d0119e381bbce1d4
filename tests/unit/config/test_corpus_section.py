"""Where documents come from: files, tables, their versions and the hub; what excludes each other is refused by key."""

import pytest

from leadterm.config import canonical, parse_config
from leadterm.errors import ConfigError

WORDS = {"kind": "words", "vocabulary_size": 5}
ROOT = {"paths": ["lake/docs"], "format": "delta"}


def corpus_of(**corpus):
    return parse_config({"corpus": corpus, "tokenizer": WORDS}).corpus


def message_of(tokenizer=None, **corpus):
    with pytest.raises(ConfigError) as caught:
        parse_config({"corpus": corpus, "tokenizer": tokenizer or WORDS}, "run.yaml")
    return str(caught.value)


def test_a_table_is_given_by_its_name():
    corpus = corpus_of(table="lake.web.docs", version=12)
    assert (corpus.table, corpus.paths, corpus.version) == ("lake.web.docs", (), "12")


@pytest.mark.parametrize(
    ("kind", "version", "kept"),
    [
        ("delta", 3, "3"),
        ("delta", "3", "3"),
        ("iceberg", 4836198734961284512, "4836198734961284512"),
        ("hudi", "20260131120000000", "20260131120000000"),
        ("hudi", 20260131120000, "20260131120000"),
    ],
)
def test_a_version_is_a_text_or_a_number(kind, version, kept):
    assert corpus_of(paths=["lake/docs"], format=kind, version=version).version == kept


@pytest.mark.parametrize("kind", ["parquet", "json", "orc", "csv"])
def test_files_of_each_format_may_be_several_and_have_a_predicate(kind):
    corpus = corpus_of(paths=["a", "b/*"], format=kind, where="lang = 'en'")
    assert (corpus.format, corpus.where) == (kind, "lang = 'en'")


@pytest.mark.parametrize(
    "corpus", [{"table": "a.b", "version": 3}, ROOT, {"paths": ["hf://datasets/o/n@main/d/*.json"], "format": "json"}]
)
def test_what_is_loaded_again_is_the_same(corpus):
    config = parse_config({"corpus": corpus, "tokenizer": WORDS})
    assert parse_config(canonical(config)) == config


@pytest.mark.parametrize("value", [True, 3.5, [1]])
def test_a_version_of_another_kind_is_refused(value):
    assert message_of(**ROOT, version=value).startswith("run.yaml: corpus.version: found ")


@pytest.mark.parametrize("table", [{}, {"table": None}])
def test_without_a_table_there_are_paths(table):
    assert message_of(paths=[], **table).startswith(
        "run.yaml: corpus.paths: found [] (a list); expected a list of texts"
    )


def test_an_unknown_format_lists_those_there_are():
    message = message_of(paths=["a"], format="lance")
    assert (
        "corpus.format: found 'lance' (text); expected one of parquet, json, delta, iceberg, hudi, orc, avro, csv"
        in message
    )


@pytest.mark.parametrize(
    ("corpus", "problem", "remedy"),
    [
        ({"table": "a.b", "paths": ["x"]}, "table is 'a.b' and paths has 1 entries", "Remove one of the two."),
        (
            {"table": "s3://b/t"},
            "table is 's3://b/t'; expected a name such as catalog.db.name",
            "give paths and format.",
        ),
        ({"table": "a.b; drop table c"}, "expected a name such as catalog.db.name", "give paths and format."),
        ({"table": "a.b", "format": "csv"}, "table is 'a.b', whose format the catalog knows", "Remove format."),
        ({"paths": ["a", "b"], "format": "delta"}, "paths has 2 entries; expected one", "the root of the table."),
        ({"paths": ["a/*"], "format": "iceberg"}, "paths is the pattern 'a/*'", "which of its files are current."),
        (
            {"paths": ["a"], "version": 3},
            "version is '3' and format is 'parquet', but only tables",
            "or remove version.",
        ),
        ({"paths": ["a"], "format": "orc", "version": 3}, "version is '3' and format is 'orc'", "or remove version."),
        ({**ROOT, "version": "yesterday"}, "version is 'yesterday' and format is 'delta'", "such as 12."),
        ({"paths": ["a"], "format": "hudi", "version": 7}, "version is '7' and format is 'hudi'", "20260131120000000."),
        ({"paths": ["a"], "where": " "}, "where is empty", "or null."),
        (
            {"paths": ["hf://datasets/o/n"], "format": "avro"},
            "only parquet, json, orc and csv are",
            "name their folder.",
        ),
        ({**ROOT, "max_documents": 5}, "max_documents is 5 and format is 'delta', whose rows have no order", "files."),
        ({"table": "a.b", "max_documents": 5}, "max_documents is 5 and table is 'a.b'", "files."),
        (
            {"paths": ["a"], "format": "avro", "max_documents": 5},
            "format is 'avro', whose rows have no order",
            "files.",
        ),
    ],
)
def test_settings_that_exclude_each_other_are_refused(corpus, problem, remedy):
    message = message_of(**corpus)
    assert message.startswith("run.yaml: corpus: ")
    assert problem in message
    assert message.endswith(remedy)


def test_csv_holds_no_lists_of_ids():
    ids = {"kind": "ids", "vocabulary_size": 5}
    assert "format is 'csv' and ids_column is 'x', but CSV" in message_of(
        ids, paths=["a"], format="csv", ids_column="x"
    )


@pytest.mark.parametrize("source", [ROOT, {"table": "a.b"}, {"paths": ["a"], "format": "avro"}])
def test_a_tokenizer_is_not_trained_on_the_first_rows_of_what_has_no_order(source):
    bpe = {"kind": "bpe", "vocabulary_size": 300}
    message = message_of(bpe, **source)
    assert "tokenizer.training_documents is 100000 and corpus." in message
    assert message.endswith("Set tokenizer.training_documents to null, for all documents.")
    parse_config({"corpus": source, "tokenizer": {**bpe, "training_documents": None}})
