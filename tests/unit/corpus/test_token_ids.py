"""Tokenizers in which an id has two tokens, or a token two ids: one name for each id, the same in every process."""

import json
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest

from leadterm.corpus import HuggingFaceTokenizer, load_tokenizer

EMPTY = dict.fromkeys(["truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"])
SPLIT = {"type": "WhitespaceSplit"}
WORDS = {"type": "WordLevel", "unk_token": "a"}
PIECES = {"type": "WordPiece", "unk_token": "a", "continuing_subword_prefix": "##", "max_input_chars_per_word": 99}
PAIRS = {"type": "BPE", "merges": []}
NAMES = [f"t{number}" for number in range(20)]


def file(vocabulary: Any, model: dict[str, Any] = WORDS, added: dict[str, int] | None = None) -> str:
    """The text of a tokenizer.json; texts are split at spaces."""
    flags = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False) | {"special": True}
    tokens = [{"id": index, "content": token, **flags} for token, index in (added or {}).items()]
    fields = {"version": "1.0", **EMPTY, "pre_tokenizer": SPLIT, "added_tokens": tokens}
    return json.dumps({**fields, "model": {**model, "vocab": vocabulary}})


def ids(tokenizer: HuggingFaceTokenizer, text: str) -> list[int]:
    found: list[int] = tokenizer.encode([text]).tokens[0].tolist()
    return found


@pytest.mark.parametrize("model", [WORDS, PIECES, PAIRS], ids=lambda model: model["type"])
def test_the_first_of_the_file_names_the_id_and_all_are_encoded(model):
    tokenizer = HuggingFaceTokenizer(file({"a": 0, "c": 1, "b": 1, "d": 2}, model))
    assert tokenizer.tokens == ("a", "c", "d")
    assert HuggingFaceTokenizer(file({"a": 0, "b": 1, "c": 1, "d": 2}, model)).tokens == ("a", "b", "d")
    for one in (tokenizer, pickle.loads(pickle.dumps(tokenizer)), HuggingFaceTokenizer(tokenizer.to_json())):
        assert ids(one, "d b c a") == [2, 1, 1, 0]
        assert one.tokens == tokenizer.tokens


def test_merges_whose_parts_share_ids():
    """What is written anew must keep the merges of both tokens: the library writes one of them."""
    model = {"type": "BPE", "merges": [["a", "b"], ["a", "c"], ["ab", "c"]]}
    text = file({"a": 0, "b": 1, "c": 1, "ab": 2, "ac": 2, "abc": 3}, model)
    tokenizer = HuggingFaceTokenizer(text)
    again = HuggingFaceTokenizer(HuggingFaceTokenizer(tokenizer.to_json()).to_json())
    assert json.loads(tokenizer.to_json())["model"] == json.loads(text)["model"]
    for word in ("ab", "ac", "abc", "acb", "bca"):
        assert ids(tokenizer, word) == ids(again, word)


SCRIPT = """
import hashlib, sys
from leadterm.corpus import HuggingFaceTokenizer
tokenizer = HuggingFaceTokenizer(sys.stdin.read())
print(hashlib.sha256("\\n".join([*tokenizer.tokens, tokenizer.to_json()]).encode()).hexdigest())
"""


@pytest.mark.parametrize("added", [{}, {"new": 50}])
def test_every_process_gives_the_same(added):
    """The library's hash map has another order in each; one that names ids by it passes 5 times in 2^50."""
    text = file({"a": 0} | {name: 1 + number // 2 for number, name in enumerate(NAMES)}, added=added)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SCRIPT]
    found = {
        subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(6)
    }
    assert len(found) == 1
    assert len(found.pop()) == 65
    assert HuggingFaceTokenizer(text).tokens[:11] == ("a", *NAMES[::2])


def test_an_added_token_that_the_model_has_too():
    """As most models have it: the same token under the same id."""
    tokenizer = HuggingFaceTokenizer(file({"a": 0, "b": 1, "c": 2}, added={"b": 1, "<s>": 3}))
    assert tokenizer.tokens == ("a", "b", "c", "<s>")
    assert tokenizer.oddities(file({"a": 0, "b": 1, "c": 2}, added={"b": 1, "<s>": 3})) == []
    assert ids(tokenizer, "c b <s>") == [2, 1, 3]


def test_an_added_token_under_the_id_of_another():
    """The library gives it the next id, as the model's own code has it; where that is taken too, it shares it."""
    text = file({"a": 0, "b": 1, "c": 2}, added={"<s>": 1})
    assert HuggingFaceTokenizer(text).tokens == ("a", "b", "c", "<s>")
    assert HuggingFaceTokenizer(text).oddities(text) == [
        "added tokens whose id in the tokenizers library, and so in the model, differs from the file's: "
        "'<s>' has 3, not 1"
    ]
    text = file({"a": 0, "b": 2}, added={"<s>": 3})
    for one in (HuggingFaceTokenizer(text), pickle.loads(pickle.dumps(HuggingFaceTokenizer(text)))):
        assert one.tokens == ("a", "<no token 1>", "<s>")
        assert ids(one, "b <s> a") == [2, 2, 0]


def test_a_token_that_stands_twice():
    scores = [["a", 0.0], ["b", -1.0], ["b", -2.0], ["c", -3.0]]
    twice = file(scores, {"type": "Unigram", "unk_id": 0})
    assert HuggingFaceTokenizer(twice).tokens == ("a", "<no token 1>", "b", "c")
    assert ids(HuggingFaceTokenizer(twice), "b c") == [2, 3]
    keys = file({"a": 0, "b": 1, "x": 2}).replace('"x": 2', '"b": 2')
    assert HuggingFaceTokenizer(keys).tokens == ("a", "<no token 1>", "b")
    for text in (twice, keys):
        assert HuggingFaceTokenizer(text).oddities(text) == [
            "tokens that are listed twice; the last one counts, the other ids never occur: 'b' has 2"
        ]


def test_what_is_told_of_many(tmp_path):
    text = file({"a": 0} | {name: 1 + number // 2 for number, name in enumerate(NAMES)})
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    assert load_tokenizer(tmp_path).notes == (
        f"{tmp_path}: tokens that share an id, which is named after the first: 't0' and 't1' have 1; 't2' and 't3' "
        "have 2; 't4' and 't5' have 3; and 7 more",
    )


def test_nothing_is_told_of_a_tokenizer_as_it_should_be(tmp_path, tiny_json):
    (tmp_path / "tokenizer.json").write_text(tiny_json, encoding="utf-8")
    assert load_tokenizer(tmp_path).notes == ()
