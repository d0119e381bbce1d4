"""Text that is safe to show on a terminal."""

import logging
import unicodedata

COMMANDS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of Unicode: control and format characters, what has no meaning, and separators that end a line."""


def harmless(text: str) -> str:
    r"""Write what would command a terminal, or turn its text around, as escapes: names in messages are others' text.

    Examples
    --------
    >>> print(harmless("\x1b[2J is not\na name"))
    \x1b[2J is not
    a name
    """
    return "".join(
        one if one in "\n\t" or unicodedata.category(one) not in COMMANDS else one.encode("unicode_escape").decode()
        for one in text
    )


class Harmless(logging.Formatter):
    """Writes the message alone."""

    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))
