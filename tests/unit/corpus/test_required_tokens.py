"""What a config asks of a vocabulary: refused by the key, the token and what is alike, before any work is done."""

import json
from typing import Any

import pytest

from leadterm.config import Config, parse_config
from leadterm.corpus.required_tokens import beyond, check_asked, check_asked_first
from leadterm.errors import ConfigError, InputError

BPE = {"kind": "bpe", "vocabulary_size": 300}
WORDS = {"kind": "words", "vocabulary_size": 3}
VOCABULARY = ["bread", "Ġbread", "Ġking", "king", "Ċ"]


def config_of(tokenizer: dict[str, Any], *tokens: str, top: int | None = None, aligned: bool = False) -> Config:
    corpus = {"paths": ["/nowhere"]} | ({"ids_column": "ids"} if tokenizer["kind"] == "ids" else {})
    sections: dict[str, Any] = {"associations": {"tokens": list(tokens)}, "attention": {"top_tokens": top}}
    if aligned:
        sections["alignment"] = {"tokens": top}
    return parse_config({"corpus": corpus, "tokenizer": tokenizer, **sections})


def message_of(check, *arguments) -> str:
    with pytest.raises(ConfigError) as caught:
        check(*arguments)
    return str(caught.value)


@pytest.fixture
def given(tmp_path, tiny_json) -> dict[str, Any]:
    (tmp_path / "tokenizer.json").write_text(tiny_json, encoding="utf-8")
    return {"kind": "huggingface", "source": str(tmp_path)}


def test_what_the_vocabulary_has():
    check_asked(config_of(BPE, " bread", "␣bread", "Ġbread", "▁bread", "bread", "king", "\n", "⏎"), VOCABULARY)


def test_a_token_that_it_has_not_is_named_with_its_key_and_others():
    assert message_of(check_asked, config_of(BPE, " braed"), VOCABULARY) == (
        "associations.tokens: ' braed' is not in the vocabulary of 5 tokens; did you mean '␣bread', 'bread'? "
        "Correct it, or leave it out."
    )
    assert message_of(check_asked, config_of(BPE, "\u2603"), VOCABULARY) == (
        "associations.tokens: '\u2603' is not in the vocabulary of 5 tokens. Correct it, or leave it out."
    )


def test_one_that_may_be_several_is_refused():
    assert message_of(check_asked, config_of(BPE, "␣bread"), ["Ġbread", " bread"]) == (
        "associations.tokens: '␣bread' may be 2 tokens of the vocabulary: 'Ġbread' (id 0), ' bread' (id 1). "
        "Spell it as one of them stands here. Correct it, or leave it out."
    )


def test_all_that_is_wrong_is_told_at_once():
    message = message_of(check_asked, config_of(BPE, "king", "kong", "␣brot"), VOCABULARY)
    assert [line.split(" ")[:2] for line in message.splitlines()] == [
        ["associations.tokens:", "'kong'"],
        ["associations.tokens:", "'␣brot'"],
    ]


@pytest.mark.parametrize(("top", "said"), [(None, False), (4, False), (5, False), (6, True), (5000, True)])
def test_numbers_beyond_the_vocabulary_are_told_and_do_no_harm(top, said):
    check_asked(config_of(BPE, top=top, aligned=top is not None), VOCABULARY)
    keys = ["attention.top_tokens", "alignment.tokens"] if said else []
    says = f"asks for the {top or 0:,} most frequent tokens, and the vocabulary has 5: all are taken"
    config = config_of(BPE, top=top, aligned=top is not None)
    assert list(beyond(config, len(VOCABULARY))) == [f"{key} {says}" for key in keys]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("Bread", "makes 'bread' of it. Did you mean 'bread'?"),
        (" bread", "makes 'bread' of it. Did you mean 'bread'?"),
        ("␣bread", "makes 'bread' of it. Did you mean 'bread'?"),
        ("New York", "makes 'new', 'york' of it. Name one word, or leave it out."),
        ("don't", "makes 'don', ''', 't' of it. Name one word, or leave it out.".replace("'''", '"\'"')),
        ("\n", "makes nothing of it. Name one word, or leave it out."),
        ("12", "makes '1', '2' of it. Name one word, or leave it out."),
    ],
)
def test_what_the_word_rule_never_makes_is_refused_first(typed, says):
    assert message_of(check_asked_first, config_of(WORDS, typed)) == (
        f"associations.tokens: {typed!r} cannot be a token where tokenizer.kind is words: the word rule {says}"
    )


@pytest.mark.parametrize("typed", ["bread", "é", "漢", "1", "'", "\\u00e9", "<unk>", "\xad", "\\xad"])
def test_what_the_word_rule_may_make_waits_for_the_corpus(typed):
    check_asked_first(config_of(WORDS, typed))


def test_a_given_tokenizer_is_asked_before_the_corpus_is_read(given, tiny_bpe):
    check_asked_first(config_of(given, "cat", " cat", "␣on", "é"))
    message = message_of(check_asked_first, config_of(given, " cats"))
    assert message.startswith(f"associations.tokens: ' cats' is not in the vocabulary of {tiny_bpe.get_vocab_size()} ")
    assert "did you mean '␣cat'" in message


def test_ids_are_named_by_their_numbers():
    ids = {"kind": "ids", "vocabulary_size": 12}
    check_asked_first(config_of(ids, "0", "11"))
    assert "associations.tokens: '12' is not in the vocabulary of 12 tokens" in message_of(
        check_asked_first, config_of(ids, "12")
    )


def test_no_tokenizer_is_loaded_where_nothing_is_asked():
    nowhere = {"kind": "huggingface", "source": "/no/where"}
    check_asked_first(config_of(nowhere, top=3))
    with pytest.raises(InputError, match=r"/no/where: there is no such file or folder"):
        check_asked_first(config_of(nowhere, "king"))


def test_a_tokenizer_with_two_tokens_of_one_id(tmp_path):
    """Only the first one names the id; the other is refused, and both are told."""
    model = {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "bread": 1, "breads": 1}}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model}))
    given = {"kind": "huggingface", "source": str(tmp_path)}
    check_asked_first(config_of(given, "bread"))
    asked, odd = message_of(check_asked_first, config_of(given, "breads")).splitlines()
    assert "did you mean 'bread'?" in asked
    assert odd == f"{tmp_path}: tokens that share an id, which is named after the first: 'bread' and 'breads' have 1"
