"""How ``leadterm`` answers to commands and options that do not exist."""

import re

import pytest

from leadterm import cli

COMMANDS = {
    "run": ["--config", "a", "--output", "b"],
    "add": ["--config", "a", "--output", "b", "file"],
    "merge": ["--output", "a", "run"],
    "subtract": ["run", "--documents", "a", "--output", "b"],
    "plan": ["--config", "a"],
    "show": ["run"],
    "sources": ["run", "bread", "unleavened"],
    "weights": ["run", "--steps", "1", "--learning-rate", "1", "--layers", "1", "--output", "a"],
    "align": ["run", "model"],
    "circuits": ["run", "model"],
    "trace": ["run", "model", "bread", "unleavened"],
    "verify": ["--config", "a", "--output", "b"],
    "ablate": ["--config", "a", "--output", "b"],
    "pretrain": ["--config", "a", "--output", "b"],
    "sample": ["folder"],
    "check": ["run"],
    "publish": ["run", "--output", "a"],
    "pack": [],
}
"""Each with what it needs."""


def told(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    return capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_that_does_not_exist_shows_the_usage_of_its_command(capsys, command):
    message = told(capsys, command, *COMMANDS[command], "--frobnicate")
    assert message.startswith(f"usage: leadterm {command} [-h]")
    assert message.endswith(f"leadterm {command}: error: unrecognized arguments: --frobnicate\n")


def test_what_is_missing_shows_the_usage_of_the_command(capsys):
    message = told(capsys, "show", "--frobnicate")
    assert message.startswith("usage: leadterm show [-h]")
    assert message.endswith("leadterm show: error: the following arguments are required: run\n")


def test_a_command_that_does_not_exist_lists_those_that_do(capsys):
    message = told(capsys, "shwo")
    assert message.startswith("usage: leadterm [-h]")
    assert [command for command in COMMANDS if command not in message.partition("choose from")[2]] == []
    assert "arguments are required: COMMAND" in told(capsys)


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    assert re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE) == list(COMMANDS)
