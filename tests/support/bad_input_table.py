"""Writes ``tests/BAD_INPUT.md``: ``PYTHONPATH=lib:tests python -m support.bad_input_table``."""

from __future__ import annotations

from pathlib import Path

from support.bad_cases import WITH_SPARK, WITHOUT_SPARK, Case

PLACE = Path(__file__).parents[1] / "BAD_INPUT.md"
HEAD = """# Bad input, and what it gets

Each line is a test: it makes the input, gives it to the command, and compares the whole message. `~` is the folder of
the test, and `<…>` stands for what differs from one time to the next. Whatever was refused left nothing behind.

`python -m support.bad_input_table` (with `PYTHONPATH=lib:tests`) writes this file from `tests/support/bad_cases`.
"""


def table() -> str:
    """Lay all cases out as Markdown."""
    sections = [
        f"## {title}\n\n| what is wrong | given to | what it says |\n|---|---|---|\n{''.join(map(_row, cases))}"
        for title, cases in (WITHOUT_SPARK | WITH_SPARK).items()
    ]
    return "\n".join([HEAD, *sections])


def _row(case: Case) -> str:
    """Lay one out as a row."""
    lines = "<br>".join(_code(line.strip()) for line in case.says.splitlines())
    return f"| {case.wrong} | `{case.given_to}` | {case.error}: {lines} |\n"


def _code(text: str) -> str:
    """Write text as code, in a cell."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text.replace('|', chr(92) + '|')}{fence}"


if __name__ == "__main__":
    PLACE.write_text(table(), encoding="utf-8")
