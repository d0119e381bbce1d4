"""cut_windows against a loop that reads like the definition (theory, section 1)."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leadterm.corpus import Ragged, cut_windows
from support.naive_corpus import naive_windows

DOCUMENTS = st.lists(st.lists(st.integers(0, 9), max_size=20), max_size=8)
LENGTHS = st.integers(1, 12)


@given(documents=DOCUMENTS, length=LENGTHS, policy=st.sampled_from(["tile", "first"]))
def test_windows_equal_the_naive_loop(documents, length, policy):
    windows = cut_windows(Ragged.from_lists(documents), length, policy)
    rows = zip(windows.document.tolist(), windows.window.tolist(), windows.tokens, strict=True)
    expected = naive_windows(documents, length, policy)
    assert [(document, window, tokens.tolist()) for document, window, tokens in rows] == expected
    with_windows = {document for document, _, _ in expected}
    assert windows.too_short.tolist() == [index not in with_windows for index in range(len(documents))]
    assert windows.n_positions == sum(len(tokens) - 1 for _, _, tokens in expected)


@given(documents=DOCUMENTS, length=LENGTHS)
def test_tile_holds_every_adjacent_pair_once(documents, length):
    # every token is its own place in the corpus, so that a pair names where it stands
    places = Ragged.from_lists(documents)
    ids = list(range(places.values.size))
    rows = [ids[places.offsets[i] : places.offsets[i + 1]] for i in range(len(places))]
    windows = cut_windows(Ragged.from_lists(rows), length)
    pairs = Counter(pair for row in windows.tokens for pair in pairwise(row.tolist()))
    assert pairs == Counter(pair for row in rows for pair in pairwise(row))


@given(documents=DOCUMENTS, length=LENGTHS, policy=st.sampled_from(["tile", "first"]), cut=st.integers(0, 8))
def test_documents_in_two_batches_give_the_same_windows(documents, length, policy, cut):
    whole = cut_windows(Ragged.from_lists(documents), length, policy)
    parts = [cut_windows(Ragged.from_lists(part), length, policy) for part in (documents[:cut], documents[cut:])]
    assert [row.tolist() for part in parts for row in part.tokens] == [row.tolist() for row in whole.tokens]
