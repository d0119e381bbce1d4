"""Tokens by what people type, and what they are told of tokens that are not there."""

import pytest

from leadterm.corpus.token_names import TokenNames, readable
from leadterm.corpus.token_spelling import BYTE_OF, Spelling
from leadterm.errors import InputError

BYTE_LEVEL = ["Ġbread", "bread", "Ġking", "Ċ", "Ċĉ", "ĠcafÃ©", "Ã©", "Ã", "<|endoftext|>", "Ġ", "ĉ", "ÂłŃ"]
PIECES = ["<unk>", "<0x0A>", "<0x09>", "<0xC3>", "▁bread", "bread", "▁king", "▁", "é", "▁café", "Ġ", "▁Ġobża"]
WORDS = ["bread", "the", "é", "-", "<unk>"]


def message_of(names: TokenNames, typed: str) -> str:
    with pytest.raises(InputError) as caught:
        names.find(typed)
    return str(caught.value)


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        *((typed, "Ġbread") for typed in (" bread", "␣bread", "Ġbread", "▁bread")),
        ("bread", "bread"),
        *((typed, "Ġking") for typed in ("king", " king", "Ġking")),
        *((typed, "Ċ") for typed in ("\n", "⏎", "\\n", "Ċ", "<0x0A>", "<0x0a>", "\\x0a", "\\u000a", "\\U0000000a")),
        *((typed, "Ċĉ") for typed in ("\n\t", "⏎⇥", "\\n\\t", "Ċĉ", "⏎\t", "<0x0A><0x09>")),
        *((typed, "ĠcafÃ©") for typed in (" café", "␣café", "▁café", "Ġcafé", "café", "ĠcafÃ©")),
        *((typed, "Ã©") for typed in ("é", "Ã©", "\\u00e9", "\\xe9", "<0xC3><0xA9>")),
        *((typed, "Ã") for typed in ("Ã", "<0xC3>")),
        *((typed, "Ġ") for typed in (" ", "␣", "▁", "<0x20>")),
        ("<|endoftext|>", "<|endoftext|>"),
        *((typed, "ÂłŃ") for typed in ("ÂłŃ", "<0xC2><0xA0><0xAD>")),
    ],
)
def test_a_byte_level_vocabulary(typed, token):
    assert BYTE_LEVEL[TokenNames(BYTE_LEVEL).find(typed)] == token


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        *((typed, "▁bread") for typed in (" bread", "␣bread", "Ġbread", "▁bread")),
        ("bread", "bread"),
        *((typed, "▁king") for typed in ("king", "␣king", "Ġking")),
        *((typed, "<0x0A>") for typed in ("\n", "⏎", "\\n", "Ċ", "<0x0A>", "<0x0a>")),
        *((typed, "<0x09>") for typed in ("\t", "⇥", "\\t", "ĉ")),
        ("<0xC3>", "<0xC3>"),
        *((typed, "é") for typed in ("é", "\\xe9", "Ã©")),
        *((typed, "▁café") for typed in (" café", "café", "ĠcafÃ©", "Ġcafé")),
        *((typed, "▁") for typed in (" ", "␣", "▁")),
        ("Ġ", "Ġ"),
        *((typed, "▁Ġobża") for typed in (" Ġobża", "Ġobża", "␣Ġobża")),
    ],
)
def test_a_vocabulary_of_sentencepiece(typed, token):
    assert PIECES[TokenNames(PIECES).find(typed)] == token


@pytest.mark.parametrize(("typed", "token"), [("bread", "bread"), ("é", "é"), ("\\xe9", "é"), ("-", "-")])
def test_a_vocabulary_of_words(typed, token):
    assert WORDS[TokenNames(WORDS).find(typed)] == token


@pytest.mark.parametrize(
    ("tokens", "typed", "listed"),
    [
        (["Ġbread", " bread"], "␣bread", "'Ġbread' (id 0), ' bread' (id 1)"),
        (["a", "Ġbread", " bread"], "bread", "'Ġbread' (id 1), ' bread' (id 2)"),
        (["▁bread", " bread", "bred"], "Ġbread", "'▁bread' (id 0), ' bread' (id 1)"),
        (["▁a", "<0x41>", "▁A"], "A", "'<0x41>' (id 1), '▁A' (id 2)"),
        (["Ġ", "Ã©t", "ÃĥÂ©t"], "Ã©t", None),
        (["Ġ", "ÃĥÂ©t", "Ã©tx"], "Ã©t", None),
        (["▁A", "▁\\x41"], " \\x41", None),
    ],
)
def test_nothing_is_guessed(tokens, typed, listed):
    names = TokenNames(tokens)
    if listed is None:
        assert names.find(typed) == 1
    else:
        expected = f"{typed!r} may be 2 tokens of the vocabulary: {listed}. Spell it as one of them stands here"
        assert message_of(names, typed) == expected
        assert [names.find(token) for token in tokens] == list(range(len(tokens)))


@pytest.mark.parametrize("typed", ["Bread", "BREAD", "  bread", "bread ", "", "brea", "␣␣bread", "caf", "\\", "\\q"])
def test_what_is_not_there(typed):
    for tokens in (BYTE_LEVEL, PIECES, WORDS):
        assert message_of(TokenNames(tokens), typed).startswith(f"{typed!r} is not in the vocabulary of ")


def test_suggestions_are_as_shown():
    names = TokenNames(BYTE_LEVEL)
    assert message_of(names, " braed") == (
        "' braed' is not in the vocabulary of 12 tokens; did you mean '␣bread', 'bread'?"
    )
    assert "did you mean '␣king'?" in message_of(names, "King")
    assert message_of(names, "\u2603") == "'\u2603' is not in the vocabulary of 12 tokens"
    many = TokenNames([f"Ġbread{letter}" for letter in "abcdefgh"])
    assert message_of(many, "breadz").count("␣bread") == 5


def test_the_word_rule_is_told():
    names = TokenNames(WORDS, word_rule=True)
    assert message_of(names, "Bread") == (
        "'Bread' is not in the vocabulary of 5 tokens; did you mean 'bread'? The word rule makes 'bread' of it"
    )
    assert message_of(names, " bread").endswith("did you mean 'bread'? The word rule makes 'bread' of it")
    assert "did you mean 'the', 'bread'? The word rule makes 'the' 'bread' of it" in message_of(names, "The bread")
    assert message_of(names, "Q").endswith("is not in the vocabulary of 5 tokens. The word rule makes 'q' of it")
    assert message_of(names, "zzz") == "'zzz' is not in the vocabulary of 5 tokens"
    assert "word rule" not in message_of(TokenNames(WORDS), "Bread")


def test_a_spelling_that_is_also_a_text():
    names = TokenNames([*BYTE_OF, "Ã©", "ÃĥÂ©"])
    assert names.find("é") == [*BYTE_OF].index("é")
    assert names.aside("é") == "'é' is the vocabulary's spelling of <0xE9>; as text it is its token 'Ã©'"
    assert names.aside("Ã©") == "'Ã©' is the vocabulary's spelling of 'é'; as text it is its token 'ÃĥÂ©'"
    assert [names.aside(typed) for typed in ("a", "ÃĥÂ©", "not there", " ")] == [None] * 4
    assert [TokenNames(PIECES).aside(typed) for typed in PIECES] == [None] * len(PIECES)


def test_a_vocabulary_of_bytes_reads_as_text():
    assert readable(["Ġking", "king", "ĠÃ©tat", "ðŁĺĢ", "Ċ", "Ã", "<img src=x>"]) == [
        "␣king", "king", "␣état", "😀", "⏎", "Ã", "<img␣src=x>",
    ]  # fmt: skip


def test_tokens_that_would_read_alike_stay_apart():
    assert readable(["▁a", "␣a", "b"]) == ["▁a", "␣a", "b"]
    assert readable(["a\u200bb", "a b", "ab"]) == ["a\\u200bb", "a␣b", "ab"]
    # The text of the first is how the second is spelled; so only that one may be shown, and typed, as it.
    assert readable(["ÃĥÂ©", "Ã©", "Ġ"]) == ["ÃĥÂ©", "é", "␣"]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["Ġa", "b"], Spelling.BYTE_LEVEL),
        ([*BYTE_OF, *(f"w{number}" for number in range(1000))], Spelling.BYTE_LEVEL),
        (["Ġ", *(f"w{number}" for number in range(1000))], Spelling.PLAIN),
        (["▁a", "Ġ", "b"], Spelling.PIECES),
        ([*BYTE_OF, "▁a", "▁b"], Spelling.PIECES),
        (["a", "##b", "[CLS]"], Spelling.PLAIN),
        (["bread", "▁", "the"], Spelling.PLAIN),
    ],
)
def test_how_a_vocabulary_spells(tokens, expected):
    assert Spelling.of(tokens) is expected
