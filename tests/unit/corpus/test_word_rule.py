import pickle

import pytest

from leadterm.corpus import UNK, WordTokenizer, count_words, most_frequent, split_words
from leadterm.corpus.word_rule import LONGEST_WORD
from leadterm.errors import InputError


def test_the_word_rule():
    assert split_words("Don't stop, Ünal_2!") == ["don", "'", "t", "stop", ",", "ünal", "_", "2", "!"]
    assert split_words(" \t\n\u00a0\x1c ") == []
    assert split_words("漢字12½") == ["漢字", "1", "2", "½"]
    assert split_words("e\u0301") == ["e", "\u0301"]


def test_the_most_frequent_words_and_ties():
    counts = count_words(["b a", "a b c", "D"])
    assert counts == {"a": 2, "b": 2, "c": 1, "d": 1}
    assert most_frequent(counts, 3) == ["a", "b", "c"]
    assert most_frequent(counts, 9) == ["a", "b", "c", "d"]


def test_unknown_is_the_last_id():
    tokenizer = WordTokenizer(["the", "cat"], "replace")
    assert (tokenizer.vocabulary_size, tokenizer.tokens) == (3, ("the", "cat", UNK))
    encoded = tokenizer.encode(["The dog cat", "", "<unk>"])
    assert [ids.tolist() for ids in encoded.tokens] == [[0, 2, 1], [], [2, 2, 2]]
    assert encoded.kept.all()


def test_texts_with_unknown_words_are_dropped():
    tokenizer = WordTokenizer(["the", "cat"])
    assert (tokenizer.vocabulary_size, tokenizer.tokens) == (2, ("the", "cat"))
    encoded = tokenizer.encode(["The dog", "", "cat the"])
    assert [ids.tolist() for ids in encoded.tokens] == [[], [], [1, 0]]
    assert encoded.kept.tolist() == [False, True, True]


@pytest.mark.parametrize("unknown", ["drop", "replace"])
def test_it_travels(unknown):
    tokenizer = pickle.loads(pickle.dumps(WordTokenizer(["the", "cat"], unknown)))
    assert (tokenizer.tokens[:2], tokenizer.unknown) == (("the", "cat"), unknown)
    assert tokenizer.encode(["cat dog"]).kept.tolist() == [unknown == "replace"]


def test_pieces_beyond_the_cache_are_split_alike(monkeypatch):
    monkeypatch.setattr("leadterm.corpus.word_tokenizer._CACHE_ENTRIES", 1)
    tokenizer = WordTokenizer(["a", "b", "."])
    texts = ["a. b. a. b.", "ab" * 30 + " a"]
    encoded = tokenizer.encode(texts)
    assert encoded.tokens[0].tolist() == [0, 2, 1, 2, 0, 2, 1, 2]
    assert encoded.kept.tolist() == [True, False]
    assert list(tokenizer._ids_of) == ["a."]


@pytest.mark.parametrize(
    ("words", "unknown", "message"),
    [
        ([], "drop", r"must contain at least one word; found none. Check that the corpus has text"),
        (["a", "b", "a"], "drop", r"must contain each word once; found 'a' twice. Remove one"),
        (
            ["The"],
            "drop",
            r"must contain only tokens of the word rule .*found 'The', which the rule splits into \['the'\]",
        ),
        (["a b"], "drop", r"found 'a b', which the rule splits into \['a', 'b'\]. Build it with count_words"),
        (["a"], "keep", r"must be handled by one of drop, replace; found 'keep'. Set tokenizer.unknown"),
    ],
)
def test_vocabularies_that_do_not_fit(words, unknown, message):
    with pytest.raises(InputError, match=message):
        WordTokenizer(words, unknown)


def test_a_run_of_letters_that_is_too_long_is_no_word_of_a_vocabulary():
    longest = "x" * LONGEST_WORD
    assert count_words([f"a {longest} {longest}y", f"{longest}y"]) == {"a": 1, longest: 1}
    encoded = WordTokenizer(["a", longest], "replace").encode([f"a {longest}y a"])
    assert [ids.tolist() for ids in encoded.tokens] == [[0, 2, 0]]
