"""A tokenizer trained on counted pieces: the merges of the definition, in whatever order; every text encodes."""

import json
import pickle
import sys
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from leadterm.corpus import HuggingFaceTokenizer, count_pieces, read_sample, train_bpe
from leadterm.corpus.bpe_trainer import LONGEST_PIECE, REPEATED
from leadterm.errors import InputError
from support.naive_bpe import byte_characters, naive_merges, naive_pieces

TEXTS = [*read_sample()["text"].to_pylist()[:12], "Ünïcödé — 12 and\n\n345. 漢字 😀😀😀", "aaaaaa aaab  baaa"]


@pytest.fixture(scope="module")
def trained() -> HuggingFaceTokenizer:
    return train_bpe(count_pieces(TEXTS), 700)


def merges_of(tokenizer: HuggingFaceTokenizer) -> list[tuple[str, str]]:
    return [tuple(pair) for pair in json.loads(tokenizer.to_json())["model"]["merges"]]


def shuffled(pieces: Counter[str], seed: int) -> dict[str, int]:
    names = sorted(pieces)
    np.random.default_rng(seed).shuffle(names)
    return {name: pieces[name] for name in names}


def test_the_merges_are_those_of_the_definition(trained):
    assert count_pieces(TEXTS) == naive_pieces(TEXTS)
    expected = naive_merges(naive_pieces(TEXTS), 700 - 256)
    assert len(set(expected)) == 444
    assert merges_of(trained) == expected
    assert trained.tokens == (*sorted(byte_characters()), *("".join(pair) for pair in expected))


@pytest.mark.parametrize("seed", range(20))
def test_equally_frequent_pairs_and_runs_of_one_letter(seed):
    random = np.random.default_rng(seed)
    alphabet = "ab" if seed % 2 else "abcd"
    lengths = random.integers(1, 20, size=random.integers(2, 40)).tolist()
    pieces = Counter("".join(random.choice(list(alphabet), size=n)) for n in lengths)
    assert merges_of(train_bpe(pieces, 256 + 60)) == naive_merges(pieces, 60)


def test_the_merges_are_those_that_the_library_makes_of_the_text_itself(trained):
    direct = Tokenizer(models.BPE())
    direct.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    direct.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, show_progress=False)
    )
    assert merges_of(HuggingFaceTokenizer(direct.to_str())) == merges_of(trained)


@pytest.mark.parametrize("threads", ["true", "false"])
def test_the_order_of_the_pieces_and_the_environment_change_no_byte(trained, monkeypatch, threads):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", threads)
    pieces = count_pieces(TEXTS[::-1])
    assert {train_bpe(shuffled(pieces, seed), 700).to_json() for seed in range(5)} == {trained.to_json()}


@pytest.mark.parametrize("size", [256, 257, 700])
def test_all_bytes_are_there_and_nothing_else_but_merges(size):
    tokenizer = train_bpe(count_pieces(TEXTS), size)
    assert tokenizer.vocabulary_size == size == 256 + len(merges_of(tokenizer))
    assert sorted(tokenizer.tokens[:256]) == sorted(byte_characters())
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x11000)]))
    assert tokenizer.decode(tokenizer.encode([everything]).tokens[0].tolist()) == everything
    plain = json.loads(tokenizer.to_json())
    assert (plain["added_tokens"], plain["model"]["unk_token"], plain["normalizer"]) == ([], None, None)
    assert plain["pre_tokenizer"]["add_prefix_space"] is False


@given(st.text())
@example(" leading, trailing ")
@example("<unk><s>\r\n\x00\x1c\x85")
def test_a_text_comes_back(trained, text):
    encoded = trained.encode([text])
    assert encoded.kept.tolist() == [True]
    assert trained.decode(encoded.tokens[0].tolist()) == text


@given(st.lists(st.text(alphabet=st.sampled_from("ab'st1 \n\t\u00a0\u3000\x1c\x85.,é漢\u0301")), max_size=4))
def test_pieces_are_those_of_whole_texts(texts):
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert count_pieces(texts) == Counter(piece for text in texts for piece, _ in splitter.pre_tokenize_str(text))


def test_white_space_is_what_the_library_takes_for_it():
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    odd = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) in ("Cc", "Cf", "Zs", "Zl", "Zp")]
    assert len(odd) > 200
    for character in odd:
        text = f"a{character}b {character}{character}c  {character} 1"
        assert count_pieces([text]) == Counter(piece for piece, _ in splitter.pre_tokenize_str(text)), repr(character)


def test_long_pieces_are_cut():
    n = LONGEST_PIECE
    assert count_pieces(["x" * (2 * n + 3)] * 2) == {"x" * n: 4, "xxx": 2}
    assert count_pieces([" " + "x" * (n - 1)]) == {"Ġ" + "x" * (n - 1): 1}


def test_every_occurrence_counts():
    counts = {"ab": REPEATED, "cd": REPEATED + 1, "ef": 2 * REPEATED, "gh": 1, "ij": REPEATED - 1}
    told: list[int] = []
    tokenizer = train_bpe(counts, 300, told.append)
    assert tokenizer.tokens[256:] == ("ef", "cd", "ab", "ij", "gh")
    assert told == sorted(told)
    assert told[-1] == sum(counts.values())


@pytest.mark.parametrize(("pieces", "size"), [({}, 256), ({"a": 9}, 256), ({"ab": 1}, 257), ({"aaa": 2, "b": 1}, 258)])
def test_a_vocabulary_is_smaller_where_no_pair_is_left(pieces, size):
    assert train_bpe(pieces, 5000).vocabulary_size == size


def test_it_travels(trained):
    copy = pickle.loads(pickle.dumps(trained))
    assert copy.encode(TEXTS).tokens.values.tolist() == trained.encode(TEXTS).tokens.values.tolist()
    assert copy.to_json() == trained.to_json()


def test_more_text_than_the_library_can_count():
    with pytest.raises(InputError, match=r"at most 2,147,483,647 bytes of text; found 2,147,483,648\. Lower tokenizer"):
        train_bpe({"abcd": 2**29}, 300)
