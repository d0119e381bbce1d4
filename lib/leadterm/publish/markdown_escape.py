"""Text of others inside Markdown: it is shown as it is, and never becomes markup."""

import re

from leadterm.run.summary import printable

_MARKUP = re.compile(r"[\\`*_\[\]|~$#@{}]|(?<=:)/(?=/)|(?<=[Ww]{3})\.")
"""What begins markup anywhere in a line; an address and a name after an at sign become links by themselves."""
_BEGINNING = re.compile(r"^(?:(\d+)(?=[.)](?:\s|$))|(?=[-+=]))")
"""What begins a list, a rule or a heading at the start of a line."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str) -> str:
    r"""Write text so that Markdown shows it as it is, in one line: control characters as escapes.

    Examples
    --------
    >>> print(escaped("<img onerror=x> a`b"))
    &lt;img onerror=x&gt; a\`b
    """
    text = _BEGINNING.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", printable(text)))
    return "".join(_ENTITIES.get(character, character) for character in text)


def paragraphs(text: str) -> str:
    """Write several paragraphs, which are divided by empty lines, as Markdown that shows them as they are."""
    parts = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(escaped(" ".join(part.split())) for part in parts)


def fenced(text: str, language: str = "") -> str:
    """Put lines of text into a block of code, whatever is in them."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = "\n".join(printable(line) for line in text.strip().splitlines())
    return f"{fence}{language}\n{lines}\n{fence}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Lay out a table whose cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
