"""Reading a configuration file: what it gives, and what each mistake is told."""

import json
import pickle
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from leadterm.config import Config, WordTokenizerSection, canonical, load_config, parse_config
from leadterm.errors import ConfigError

MINIMAL = """
corpus:
  paths: [data/a.parquet]
tokenizer:
  kind: words
  vocabulary_size: 3000
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def message_of(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text))
    return str(caught.value)


def test_the_smallest_file_gets_the_documented_defaults(tmp_path):
    config = load_config(write(tmp_path, MINIMAL))
    assert canonical(config) == {
        "corpus": {
            "table": None,
            "paths": ["data/a.parquet"],
            "format": "parquet",
            "join": None,
            "surrogates": "refuse",
            "copies": "refuse",
            "version": None,
            "where": None,
            "text_column": "text",
            "ids_column": None,
            "min_characters": 0,
            "max_characters": 10_000_000,
            "max_documents": None,
        },
        "tokenizer": {"kind": "words", "vocabulary_size": 3000, "unknown": "drop"},
        "windows": {"length": 128, "policy": "tile", "files": 16},
        "counting": {"scale_bits": 32, "memory_per_task": 2**30, "rows_per_file": 1024, "distances": []},
        "attention": {"top_tokens": None, "device": "auto", "memory": 2**32, "distribution": "auto"},
        "theory": {
            "optimizer": "sgd",
            "betas": [0.9, 0.999],
            "eps": 1e-8,
            "weight_decay": 0.01,
            "learning_rate": 1e-5,
            "steps": 4,
            "layers": 2,
            "order": 1,
        },
        "associations": {"tokens": [], "k": 10},
        "training": None,
        "pretraining": None,
        "alignment": None,
        "report": {"explorer_tokens": 5000, "k": 10, "figures": "auto"},
        "dataset": None,
        "spark": {},
    }


def test_every_setting_is_read(tmp_path):
    config = load_config(
        write(
            tmp_path,
            """
corpus: {paths: [a, b], format: json, ids_column: content.ids, max_documents: 7}
tokenizer: {kind: ids, vocabulary_size: 10}
windows: {length: 65536, policy: first, files: 1}
counting: {scale_bits: 8, memory_per_task: 512MiB, rows_per_file: 1}
associations: {tokens: [bird], k: 3}
spark: {spark.b: 1, spark.a: true, spark.c: 1.5, spark.d: x}
""",
        )
    )
    assert config.corpus.paths == ("a", "b")
    assert (config.corpus.ids_column, config.corpus.text_column) == ("content.ids", None)
    assert config.counting.memory_per_task == 512 * 2**20
    assert config.spark == {"spark.b": 1, "spark.a": True, "spark.c": 1.5, "spark.d": "x"}
    assert list(canonical(config)["spark"]) == ["spark.a", "spark.b", "spark.c", "spark.d"]
    assert parse_config(json.loads(json.dumps(canonical(config)))) == config
    assert pickle.loads(pickle.dumps(config)) == config


def test_canonical_order_does_not_depend_on_the_file(tmp_path):
    turned = "tokenizer: {vocabulary_size: 3000, kind: words}\ncorpus: {paths: [data/a.parquet]}\n"
    first, second = load_config(write(tmp_path, MINIMAL)), load_config(write(tmp_path, turned))
    assert json.dumps(canonical(first)) == json.dumps(canonical(second))


def test_a_trained_tokenizer_sees_a_bounded_part_of_the_corpus_by_default():
    bpe = {"kind": "bpe", "vocabulary_size": 256}
    config = parse_config({"corpus": {"paths": ["a"]}, "tokenizer": bpe})
    assert canonical(config.tokenizer) == {**bpe, "training_documents": 100_000, "engine": "auto"}
    every = parse_config({"corpus": {"paths": ["a"]}, "tokenizer": {**bpe, "training_documents": None}})
    assert canonical(every.tokenizer)["training_documents"] is None


def test_sections_do_not_change():
    section = WordTokenizerSection(kind="words", vocabulary_size=3)
    with pytest.raises(ValidationError, match="frozen"):
        section.vocabulary_size = 4


def test_every_key_says_what_it_means():
    sections = [field.annotation for field in Config.model_fields.values()]
    models = [m for s in sections for m in (getattr(s, "__args__", None) or (s,)) if hasattr(m, "model_fields")]
    assert len(models) == 15
    for model in models:
        for name, field in model.model_fields.items():
            assert name == "kind" or field.description, f"{model.__name__}.{name}"


def test_no_such_file(tmp_path):
    write(tmp_path, MINIMAL)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "rum.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/rum.yaml: there is no such configuration file. Did you mean {tmp_path}/run.yaml?"
    )
    with pytest.raises(ConfigError, match=re.escape(f"YAML files in {tmp_path}: run.yaml.")):
        load_config(tmp_path / "quite-different")
    with pytest.raises(ConfigError, match=f"There is no folder {tmp_path}/nowhere either; check the path"):
        load_config(tmp_path / "nowhere" / "run.yaml")


def test_a_folder_or_other_bytes_instead_of_a_file(tmp_path):
    with pytest.raises(ConfigError, match=r"must be a readable UTF-8 text file; found: .*directory.*Name a YAML file"):
        load_config(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"must be a readable UTF-8 text file; found: .*decode"):
        load_config(tmp_path / "bytes.yaml")


def test_yaml_syntax(tmp_path):
    message = message_of(tmp_path, "corpus:\n  paths: [a\ntokenizer: 3\n")
    assert message.startswith(f"{tmp_path}/run.yaml, line 3, column")
    assert "this is not YAML: expected ',' or ']'" in message
    assert "Expected lines 'key: value', indented with spaces." in message
    assert message.endswith("Correct it here.")


def test_a_python_object_in_yaml_is_never_made(tmp_path):
    message = message_of(tmp_path, "corpus: !!python/object/apply:os.getcwd []\n")
    assert "line 1" in message
    assert "python/object/apply:os.getcwd" in message


@pytest.mark.parametrize("text", [MINIMAL + "windows: {length: 3, length: 4}\n", MINIMAL + "corpus:\n  paths: [b]\n"])
def test_a_key_that_stands_twice(tmp_path, text):
    message = message_of(tmp_path, text)
    assert re.search(r"run\.yaml, line \d, column \d+: .*the key '(length|corpus)' appears twice", message)


@pytest.mark.parametrize(("text", "found"), [("", "nothing"), ("- a\n", "a list"), ("corpus", "text")])
def test_not_a_mapping(tmp_path, text, found):
    message = message_of(tmp_path, text)
    sections = ", ".join(Config.model_fields)
    assert f"must be a mapping of sections ({sections}); found {found}" in message
    assert message.endswith("Start the file with 'corpus:'.")
