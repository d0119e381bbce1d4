"""The word rule as a tokenizer.json gives the ids that the run has, for whatever text."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as RustTokenizer

from leadterm.corpus import WordTokenizer, count_words, ids_file, most_frequent, word_file
from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer
from leadterm.corpus.word_rule import LONGEST_WORD

CHARACTERS = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.ucd_3_2_0.category(character) not in ("Cn", "Cs", "Co")
]
"""Those of Unicode 3.2, which Python, `regex` and the Rust library all know."""
# Sigmas beside what is cased, what is not, and what is ignored between them; Python's white space.
ODD = "ΣΣσςAa1.:'-ʰª\u00ad\u0301İßǅⅫ²漢 <unk>\U0001d400\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u200b\u2028\u3000"
TEXTS = st.text(st.sampled_from(CHARACTERS)) | st.text(st.sampled_from(ODD))


@given(st.lists(TEXTS, min_size=1, max_size=6), st.integers(1, 12))
@example(["ΑΣ ΑΣΑ Σ ΑΣ. ΑΣ.Α Α.Σ ʰΣ ΣΣ ΑΣʰ"], 12)
@example(["<unk> a<unk>"], 2)
def test_ids_are_those_of_the_word_rule(texts, size):
    vocabulary = most_frequent(count_words(texts), size) or ["a"]
    ours = WordTokenizer(vocabulary, "replace")
    theirs = HuggingFaceTokenizer(word_file(ours.tokens))
    assert theirs.tokens == ours.tokens
    assert [ids.tolist() for ids in theirs.encode(texts).tokens] == [ids.tolist() for ids in ours.encode(texts).tokens]


def test_every_character_is_a_space_a_letter_or_a_sign_as_in_the_rule():
    """Each between two letters: it splits them, joins them, or stands alone. No word is too long for a vocabulary."""
    step = LONGEST_WORD // 2 - 1
    texts = ["a".join(["", *CHARACTERS[start : start + step], ""]) for start in range(0, len(CHARACTERS), step)]
    vocabulary = most_frequent(count_words(texts), len(CHARACTERS))
    ours, theirs = WordTokenizer(vocabulary), RustTokenizer.from_str(word_file(vocabulary))
    assert [theirs.encode(text).ids for text in texts] == [ids.tolist() for ids in ours.encode(texts).tokens]


def test_without_an_unknown_token_a_text_with_other_words_is_refused():
    tokenizer = RustTokenizer.from_str(word_file(["a", "b"]))
    assert tokenizer.encode("A b").ids == [0, 1]
    with pytest.raises(Exception, match="UNK"):
        tokenizer.encode("a c")


def test_ids_are_their_own_names():
    assert RustTokenizer.from_str(ids_file(300)).encode("299 0\n17").ids == [299, 0, 17]
    assert HuggingFaceTokenizer(ids_file(300)).tokens == tuple(map(str, range(300)))
