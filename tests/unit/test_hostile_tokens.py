"""Tokens of others (megabytes long, markup, commands for a terminal) wherever tokens are shown."""

from pathlib import Path

import pytest

from leadterm import open_run
from leadterm.config import DatasetSection
from leadterm.publish.dataset_card import card
from leadterm.publish.published_run import Dataset
from leadterm.report.explorer import explorer
from leadterm.report.script_bundle import embedded
from leadterm.run.summary import LONGEST_NAME, associations_table
from support.written_runs import write_run

LONG = "long" * 2_000_000
COMMAND = "\x1b[2J\x1b]0;title\x07"
MARKUP = "</script><img src=x onerror=alert(1)>"
TOKENS = ["a", LONG, COMMAND, MARKUP]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder, [[0, 1, 2, 3, 0, 1], [3, 2, 1, 0], [1, 0, 2]], TOKENS, 5)
    return folder


@pytest.mark.parametrize("token", TOKENS)
def test_in_a_terminal(run, token):
    text = associations_table(open_run(run), token, 4)
    assert len(text) < 20 * LONGEST_NAME
    assert all(character.isprintable() or character == "\n" for character in text)


def test_in_the_page(run):
    found = explorer(open_run(run), 4, 4)
    assert sorted(map(len, found["raw"])) == sorted(min(len(token), LONGEST_NAME) for token in TOKENS)
    text = embedded(found)
    assert len(text) < 20_000
    assert "<" not in text
    assert COMMAND[0] not in text


def test_in_the_card(run):
    text = card(Dataset(open_run(run), DatasetSection()))
    assert len(text) < 20_000
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "<img" not in text
