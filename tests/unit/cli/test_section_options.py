"""Options that are keys of a section, on a section with every kind of key."""

import argparse
from typing import Annotated, Literal

import pytest
from pydantic import BeforeValidator, Field

from leadterm.cli.section_options import add_section_options, given_settings
from leadterm.config.section_base import Section, list_to_tuple

Numbers = Annotated[tuple[int, ...], BeforeValidator(list_to_tuple)]
Names = Annotated[tuple[str, ...], BeforeValidator(list_to_tuple)]


class Everything(Section):
    """A key of every kind."""

    place: str = Field(description="where")
    word: Literal["a", "b"] = Field(default="a", description="one of two, 100 % of the time")
    text: str | None = Field(default=None, description="any text; null: none")
    number: int = Field(default=3, description="how many")
    word_or_number: Literal["all"] | int = Field(default="all", description="all or some")
    numbers: Numbers | None = Field(default=None, description="which")
    word_or_numbers: Literal["all", "none"] | Numbers = Field(default="all", description="all, none or some")
    names: Names = Field(default=(), description="of whom")
    off: bool = Field(default=False, description="whether")
    on: bool = Field(default=True, description="whether not")
    k: int = Field(default=1, description="short")


def read(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser(prog="test")
    add_section_options(parser, Everything, Everything.model_fields, {"off": "a note"})
    return given_settings(parser.parse_args(["here", *arguments]), Everything)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ("--word b", {"word": "b"}),
        ("--text 7", {"text": "7"}),
        ("--number -7", {"number": -7}),
        ("--word-or-number all", {"word_or_number": "all"}),
        ("--word-or-number 7", {"word_or_number": 7}),
        ("--numbers 7", {"numbers": [7]}),
        ("--numbers 7 x", {"numbers": [7, "x"]}),
        ("--word-or-numbers none", {"word_or_numbers": "none"}),
        ("--word-or-numbers 0 7", {"word_or_numbers": [0, 7]}),
        ("--word-or-numbers 7", {"word_or_numbers": [7]}),
        ("--names 7", {"names": ["7"]}),
        ("--off --no-on", {"off": True, "on": False}),
        ("-k 2", {"k": 2}),
    ],
)
def test_only_what_is_given_becomes_a_setting(arguments, expected):
    assert read(*arguments.split()) == {"place": "here", **expected}


def test_words_and_numbers_suit_the_section():
    given = read(*["--word-or-number", "7", "--word-or-numbers", "0", "7", "--numbers", "1", "--names", "a", "b"])
    section = Everything.model_validate(given)
    assert (section.word_or_number, section.word_or_numbers, section.numbers) == (7, (0, 7), (1,))


def test_a_word_that_is_no_choice_is_an_error_of_use(capsys):
    with pytest.raises(SystemExit, match="2"):
        read("--word", "c")
    assert "test: error: argument --word: invalid choice: 'c'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "place where",
        "--word {a,b} one of two, 100 % of the time (default a)",
        "--text NAME any text; default: none",
        "--number N how many (default 3)",
        "--word-or-number {all,N} all or some (default all)",
        "--numbers N [N ...] which",
        "--word-or-numbers N [N ...] all, none or some (default all)",
        "--names NAME [NAME ...] of whom",
        "of whom --off whether; a note",
        "-k N short (default 1)",
    ],
)
def test_help_is_the_sections(capsys, line):
    with pytest.raises(SystemExit, match="0"):
        read("--help")
    assert f" {line} " in f"{' '.join(capsys.readouterr().out.split())} "
