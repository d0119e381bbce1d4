"""The word rule against a loop over characters that asks Python's own Unicode tables."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from leadterm.corpus import UNK, WordTokenizer, count_words, most_frequent, split_words
from support.naive_corpus import naive_words

# Unassigned code points (Cn) become letters in one Unicode version or another; all others stay what they are.
ANY = st.text(st.characters(exclude_categories=("Cs", "Cn")))
ODD = st.text(
    st.sampled_from(
        "aB'é ßİΣςªⅫ²½１٣漢字ǅ\u0301\u200b\u200d\u00a0\u0085\u2028\x1c\x1f\t\n\r.,-_~\U0001d400\U00020000😀"
    )
)
TEXTS = ANY | ODD


@given(TEXTS)
def test_words_equal_the_naive_loop(text):
    assert split_words(text) == naive_words(text)


@given(st.lists(TEXTS))
def test_counts_equal_the_naive_loop(texts):
    assert count_words(texts) == Counter(token for text in texts for token in naive_words(text))


@given(st.lists(ODD, min_size=1), st.integers(1, 9))
def test_ids_stand_for_the_words_of_the_naive_loop(texts, size):
    vocabulary = most_frequent(count_words(texts), size) or ["a"]
    words = [naive_words(text) for text in texts]
    known = [all(word in vocabulary for word in row) for row in words]

    replaced = WordTokenizer(vocabulary, "replace")
    back = [[replaced.tokens[i] for i in ids] for ids in replaced.encode(texts).tokens]
    assert back == [[word if word in vocabulary else UNK for word in row] for row in words]

    dropped = WordTokenizer(vocabulary, "drop")
    encoded = dropped.encode(texts)
    assert encoded.kept.tolist() == known
    back = [[dropped.tokens[i] for i in ids] for ids in encoded.tokens]
    assert back == [row if keep else [] for row, keep in zip(words, known, strict=True)]
