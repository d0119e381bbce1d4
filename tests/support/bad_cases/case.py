"""What a bad input is: how it is made, who is given it, and what that one says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANYTHING = "<…>"
"""Stands in a message for what differs from one time to the next: a hash, a number of bytes that a library chose."""
FOLDER = "~"
"""Stands for the folder in which a case is made."""


@dataclass(frozen=True)
class Case:
    """A bad input.

    Attributes
    ----------
    name
        Of the test.
    wrong
        What is wrong with it, for the table.
    given_to
        Which command, job or function.
    says
        The whole message, with `FOLDER` and `ANYTHING`.
    act
        Makes the input in a folder, and gives it to whoever must refuse it.
    error
        The name of the error's class.
    limits
        Modules' constants that are lower for the test, by their dotted names.
    """

    name: str
    wrong: str
    given_to: str
    says: str
    act: Callable[..., object]
    error: str = "InputError"
    limits: Mapping[str, Any] = field(default_factory=dict)

    def matches(self, message: str, folder: Path) -> bool:
        """Say whether a message is the one of the table."""
        pattern = re.escape(self.says).replace(re.escape(ANYTHING), ".*?")
        return re.fullmatch(pattern, message.replace(str(folder), FOLDER), re.DOTALL) is not None
