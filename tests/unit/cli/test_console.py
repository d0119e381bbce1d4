"""Text of others never commands the terminal that it is shown on."""

import logging

import pytest

from leadterm.cli.console import harmless, report_errors
from leadterm.errors import LeadtermError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x1b]0;title\x07", "a\\x1b[31mred\\x1b]0;title\\x07"),
        ("\x9b2J\r", "\\x9b2J\\r"),
        ("turned \u202e round, \u2066 and \u200b hidden", "turned \\u202e round, \\u2066 and \\u200b hidden"),
        ("half a pair \ud800", "half a pair \\ud800"),
        ("lines\n\tindented, ünï — 字 … \u00a0", "lines\n\tindented, ünï — 字 … \u00a0"),
    ],
)
def test_commands_become_escapes_and_text_stays(text, shown):
    assert harmless(text) == shown


def test_errors_and_log_lines_are_written_so(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])

    def action() -> None:
        logging.getLogger("leadterm").warning("a file called %s", "\x1b[2J")
        raise LeadtermError("no such token: \x1b[2J")

    assert report_errors(action) == 1
    assert capsys.readouterr().err == "a file called \\x1b[2J\nleadterm: no such token: \\x1b[2J\n"
