"""Tokens as people type them, asked of a run and of its summary; the page's search is tested in the browser."""

import pytest

from leadterm import cli, open_run
from leadterm.corpus.token_spelling import BYTE_OF
from leadterm.errors import InputError
from leadterm.run.summary import WIDTH, associations_table
from support.dense_theory import random_windows
from support.written_runs import write_run

TOKENS = [*BYTE_OF, "Ġbread", "Ġking", "bread", "ĠcafÃ©", "Ã©", "ĊĊ"]
WORDS = ["bread", "king", "the"]


def folder_of(tmp_path_factory, tokens: list[str], **options) -> str:
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder, random_windows(30, 7, len(tokens), seed=2), tokens, 6, **options)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return folder_of(tmp_path_factory, TOKENS, kind="bpe")


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        *((typed, "Ġbread") for typed in (" bread", "␣bread", "Ġbread", "▁bread")),
        ("bread", "bread"),
        ("king", "Ġking"),
        *((typed, "ĠcafÃ©") for typed in (" café", "␣café", "café", "ĠcafÃ©")),
        *((typed, "ĊĊ") for typed in ("\n\n", "\\n\\n", "⏎⏎")),
        ("é", "é"),  # As the vocabulary spells the byte 0xE9.
        ("Ã©", "Ã©"),
    ],
)
def test_a_run_takes_them(folder, typed, token):
    run = open_run(folder)
    assert run.token_id(typed) == TOKENS.index(token)
    for basis in ("bigram", "context", "interchange"):
        assert run.associations(typed, basis, k=5) == run.associations(token, basis, k=5)
    assert {name for name, _ in run.associations(typed, k=500)} == set(TOKENS), "as the vocabulary spells them"


def test_a_summary_shows_them(folder):
    run = open_run(folder)
    for typed, shown in ((" bread", "␣bread"), ("Ġking", "␣king"), ("\\n\\n", "⏎⏎")):
        table = associations_table(run, typed, 500)
        assert table.startswith(f"{shown!r}, as the theory defines them\n")
        assert "␣café " in table
        assert "ĠcafÃ©" not in table
        in_its_place = [line[WIDTH + 2 :].split()[0] for line in table.splitlines() if line.count("e-") == 3]
        assert len(in_its_place) > 100
        assert shown not in in_its_place, "however it was typed"


def test_a_spelling_that_reads_as_another_token_is_told(folder):
    table = associations_table(open_run(folder), "é", 5)
    assert table.startswith("'é' is the vocabulary's spelling of <0xE9>; as text it is its token 'Ã©'\n'é', as the")
    assert "spelling" not in "".join(associations_table(open_run(folder), typed, 5) for typed in (" bread", "bread"))


def test_what_is_not_there(folder, capsys):
    assert cli.main(["show", folder, " braed"]) == 1
    assert capsys.readouterr().err.startswith(
        "leadterm: ' braed' is not in the vocabulary of 262 tokens; did you mean '␣bread', 'bread'"
    )
    with pytest.raises(InputError, match=r"'Bread' is not in the vocabulary of 262 tokens; did you mean '␣bread'"):
        open_run(folder).associations("Bread")


def test_the_word_rule_is_told_by_a_run_of_words(tmp_path_factory):
    with pytest.raises(InputError, match=r"did you mean 'bread'\? The word rule makes 'bread' of it$"):
        open_run(folder_of(tmp_path_factory, WORDS, kind="words")).token_id("Bread")
    with pytest.raises(InputError, match=r"did you mean 'bread'\?$"):
        open_run(folder_of(tmp_path_factory, WORDS, kind="huggingface")).token_id("Bread")
