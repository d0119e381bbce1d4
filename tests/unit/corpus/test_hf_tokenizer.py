import json
import os
import pickle

import numpy as np
import pytest
from tokenizers import Tokenizer

from leadterm.corpus import HuggingFaceTokenizer
from leadterm.corpus import hf_tokenizer as module
from leadterm.errors import InputError

LONG = "The cat sat on the mat. " * 20


def test_padding_and_truncation_of_the_file_are_off(tiny_bpe, tiny_json):
    assert len(tiny_bpe.encode(LONG).ids) == len(tiny_bpe.encode("a").ids) == 64  # what the file alone would give
    encoded = HuggingFaceTokenizer(tiny_json).encode([LONG, "", "a"])
    lengths = encoded.tokens.lengths.tolist()
    assert lengths[0] > 64
    assert lengths[1:] == [0, 1]
    assert tiny_bpe.token_to_id("<pad>") not in encoded.tokens.values
    assert encoded.kept.tolist() == [True, True, True]
    assert encoded.tokens.values.dtype == np.int32


def test_the_text_comes_back(tiny_json):
    tokenizer = HuggingFaceTokenizer(tiny_json)
    texts = [LONG, "Ünïcödé — 12 and 345.", "", " \n\n😀"]
    assert [tokenizer.decode(ids.tolist()) for ids in tokenizer.encode(texts).tokens] == texts


def test_special_tokens_are_added_only_when_asked_for(tiny_json):
    assert HuggingFaceTokenizer(tiny_json, add_special_tokens=True).encode(["a"]).tokens[0].tolist()[0] == 0
    assert 0 not in HuggingFaceTokenizer(tiny_json).encode(["a"]).tokens[0]
    assert HuggingFaceTokenizer(tiny_json).encode(["<s>"]).tokens[0].tolist() == [0]


def test_tokens_by_id(tiny_bpe, tiny_json):
    tokenizer = HuggingFaceTokenizer(tiny_json)
    assert tokenizer.vocabulary_size == len(tokenizer.tokens) == tiny_bpe.get_vocab_size()
    assert all(tokenizer.tokens[index] == token for token, index in tiny_bpe.get_vocab().items())


def test_holes_in_the_ids():
    vocabulary = {"a": 0, "<no token 1>": 2, "b": 5}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "a"}
    empty = dict.fromkeys(["truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"])
    text = json.dumps({"version": "1.0", "added_tokens": [], **empty, "model": model})
    tokenizer = HuggingFaceTokenizer(text)
    assert tokenizer.vocabulary_size == 6
    assert tokenizer.tokens == ("a", "<<no token 1>>", "<no token 1>", "<no token 3>", "<no token 4>", "b")
    with pytest.raises(InputError, match=r"must have at least one token; found none. Train it, or name another one"):
        HuggingFaceTokenizer(text.replace(json.dumps(vocabulary), "{}"))


def test_it_travels(tiny_json):
    tokenizer = HuggingFaceTokenizer(tiny_json, add_special_tokens=True, parallel=True)
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert (copy.add_special_tokens, copy.parallel, copy.tokens) == (True, True, tokenizer.tokens)
    assert copy.to_json() == tokenizer.to_json()
    assert copy.encode([LONG]).tokens.values.tolist() == tokenizer.encode([LONG]).tokens.values.tolist()


def test_batches_are_bounded_and_give_the_same(tiny_json, monkeypatch):
    texts = ["a" * n for n in (0, 3, 9, 2, 2, 1, 30, 0, 1)]
    tokenizer = HuggingFaceTokenizer(tiny_json)
    whole = tokenizer.encode(texts).tokens
    monkeypatch.setattr(module, "BATCH_CHARACTERS", 5)
    batches = list(module.batches(texts))
    assert [[len(text) for text in batch] for batch in batches] == [[0, 3], [9], [2, 2, 1], [30], [0, 1]]
    parts = tokenizer.encode(texts).tokens
    assert (parts.values.tolist(), parts.offsets.tolist()) == (whole.values.tolist(), whole.offsets.tolist())
    assert len(tokenizer.encode([]).tokens) == 0


@pytest.mark.parametrize("before", [None, "true"])
@pytest.mark.parametrize("parallel", [False, True])
def test_threads_are_the_callers_choice(tiny_json, monkeypatch, before, parallel):
    if before is None:
        monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    else:
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", before)
    seen = []
    monkeypatch.setattr(
        module, "batches", lambda texts: iter([seen.append(os.environ["TOKENIZERS_PARALLELISM"]) or texts])
    )
    HuggingFaceTokenizer(tiny_json, parallel=parallel).encode(["a", "b"])
    assert seen == ["true" if parallel else "false"]
    assert os.environ.get("TOKENIZERS_PARALLELISM") == before


def test_text_that_is_no_tokenizer():
    with pytest.raises(InputError, match=r"must be the text of a tokenizer.json; found text of 2 characters .*Save it"):
        HuggingFaceTokenizer("{}")
    with pytest.raises(InputError, match=r"must be the text of a tokenizer.json"):
        HuggingFaceTokenizer("")


def test_the_file_of_the_fixture_carries_padding_and_truncation(tiny_json):
    tokenizer = Tokenizer.from_str(tiny_json)
    assert tokenizer.padding["length"] == 64
    assert tokenizer.truncation["max_length"] == 4
