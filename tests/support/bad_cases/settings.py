"""Configurations that ask for too much, or are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leadterm.config import load_config, parse_config
from leadterm.corpus.required_tokens import check_asked_first
from leadterm.storage import Location
from support.bad_cases.case import Case

GOOD = "corpus: {paths: [a.parquet]}\ntokenizer: {kind: words, vocabulary_size: 50}\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
EVERY = "every command with --config"
RUN = "leadterm run"


def loaded(text: str | bytes) -> Callable[[Path], Any]:
    """Write a configuration, and load it."""

    def act(folder: Path) -> Any:
        data = text.encode() if isinstance(text, str) else text
        (folder / "run.yaml").write_bytes(data)
        return load_config(folder / "run.yaml")

    return act


def encoded(**sections: Any) -> Callable[[Path], Any]:
    """Give the first job settings that it refuses before it looks for Spark."""

    def act(folder: Path) -> Any:
        from leadterm.pipeline.encode_corpus.job import encode_corpus  # noqa: PLC0415  # imports PySpark

        settings = {"corpus": {"paths": ["a.parquet"], "ids_column": "ids"}, **sections}
        return encode_corpus(None, parse_config(settings), Location.of(folder / "run"))

    return act


def asked(vocabulary: dict[str, int] | None, *tokens: str, **sections: Any) -> Callable[[Path], Any]:
    """Ask something of a vocabulary: one that is given, or one that the corpus will decide."""

    def act(folder: Path) -> Any:
        model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "a"}
        (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model}))
        given = {"kind": "huggingface", "source": str(folder / "tokenizer.json")}
        words = {"kind": "words", "vocabulary_size": 50}
        settings = {"corpus": {"paths": ["a.parquet"]}, "tokenizer": given if vocabulary else words}
        return check_asked_first(parse_config({**settings, "associations": {"tokens": list(tokens)}, **sections}))

    return act


def refused(name: str, wrong: str, text: str | bytes, says: str) -> Case:
    return Case(name, wrong, EVERY, f"~/run.yaml{says}", loaded(text), "ConfigError")


CASES = [
    Case(
        "no config", "there is no such file", EVERY,
        "~/run.yaml: there is no such configuration file. YAML files in ~: none.",
        lambda folder: load_config(folder / "run.yaml"), "ConfigError",
    ),
    refused(
        "unknown key", "a key that is misspelt", GOOD + "windows: {lenght: 64}\n",
        ": windows.lenght: unknown key; expected one of length, policy, files. Did you mean 'windows.length'?",
    ),
    refused(
        "key twice", "a key that stands twice", GOOD + "corpus: {paths: [b.parquet]}\n",
        ", line 3, column 1: this is not YAML: the key 'corpus' appears twice. Expected lines 'key: "
        "value', indented with spaces. Correct it here.",
    ),
    refused(
        "bytes", "bytes that are no text", b"\xff\xfe\x00",
        ": a configuration must be a readable UTF-8 text file; found: <…>. Name a YAML file.",
    ),
    refused(
        "UTF-16 config", "a config in UTF-16", GOOD.encode("utf-16"),
        ": a configuration must be a readable UTF-8 text file; found: it is UTF-16; save it as UTF-8, for example "
        "with: iconv -f UTF-16 -t UTF-8 FILE. Name a YAML file.",
    ),
    refused(
        "large config", "a file of more than 1 MiB", b"# " + b"x" * 2**20,
        ": a configuration has at most 1,048,576 bytes; found more. Name a YAML file.",
    ),
    refused(
        "billion laughs", "aliases of aliases: nine lines that stand for 430 million values", GOOD + LAUGHS,
        ", line 1, column 1: this is not YAML: with all aliases (*name) expanded it has more than 100,000 values. "
        "Expected lines 'key: value', indented with spaces. Correct it here.",
    ),
    refused(
        "alias of itself", "a list that holds itself", GOOD + "windows: &a [*a]\n",
        ", line 1, column 1: this is not YAML: with all aliases (*name) expanded it has more than 100,000 values. "
        "Expected lines 'key: value', indented with spaces. Correct it here.",
    ),
    refused(
        "nested config", "lists in each other, 100,000 deep", "corpus: " + "[" * 100_000,
        ": this is nested too deeply. No section of a configuration is deeply nested.",
    ),
    refused(
        "vocabulary", "a vocabulary of a billion tokens", GOOD.replace("50}", "1000000000}"),
        ": tokenizer.vocabulary_size: found 1000000000 (an integer); expected an integer from 1 to 67108864 "
        "(the N "
        "most frequent words are the vocabulary; words). Change it.",
    ),
    Case(
        "no such token", "a token that the tokenizer lacks", RUN,
        "associations.tokens: ' braed' is not in the vocabulary of 4 tokens; did you mean '␣bread'? Correct it, or "
        "leave it out.",
        asked({"Ġbread": 0, "Ġking": 1, "▁king": 2, "a": 3}, " braed"), "ConfigError",
    ),
    Case(
        "one of two tokens", "a token that may be one or another", RUN,
        "associations.tokens: '␣king' may be 2 tokens of the vocabulary: 'Ġking' (id 1), ' king' (id 2). Spell it as "
        "one of them stands here. Correct it, or leave it out.",
        asked({"Ġbread": 0, "Ġking": 1, " king": 2, "a": 3}, "␣king"), "ConfigError",
    ),
    Case(
        "capitals", "a token that the word rule never makes", RUN,
        "associations.tokens: 'Bread' cannot be a token where tokenizer.kind is words: the word rule makes 'bread' of "
        "it. Did you mean 'bread'?",
        asked(None, "Bread"), "ConfigError",
    ),
    Case(
        "memory", "a vocabulary that the memory of a task does not hold", "encode_corpus",
        "counting.memory_per_task is 1,073,741,824 bytes; a vocabulary of 50,000,000 tokens needs at least "
        "3,800,002,064. Raise counting.memory_per_task.",
        encoded(tokenizer={"kind": "ids", "vocabulary_size": 50_000_000}), "ConfigError",
    ),
    refused(
        "files", "a billion files of windows", GOOD + "windows: {files: 1000000000}\n",
        ": windows.files: found 1000000000 (an integer); expected an integer from 1 to 65536 (number of "
        "files of windows; default 16). Change it.",
    ),
    refused(
        "length", "windows of a million positions", GOOD + "windows: {length: 1000000}\n",
        ": windows.length: found 1000000 (an integer); expected an integer from 1 to 65536 (T, the maximum number of "
        "positions in a window; tokens; default 128). Change it.",
    ),
    refused(
        "no number", "not a number where one should be", GOOD + "training: {learning_rate: .nan}\n",
        ": training.learning_rate: found nan (a number); expected a number above 0<…>",
    ),
]  # fmt: skip
