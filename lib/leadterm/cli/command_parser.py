"""A parser of a command whose options are described only when the command is given."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any


class CommandParser(argparse.ArgumentParser):
    """Adds options when it is asked to parse: those of other commands, and what describes them, are not loaded.

    Attributes
    ----------
    prepare
        Adds the options to the parser; None where they are there already.
    """

    prepare: Callable[[argparse.ArgumentParser], None] | None = None

    def parse_known_args(  # type: ignore[override]  # argparse overloads it by the kind of namespace
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse arguments, with all options."""
        if self.prepare is not None:
            prepare, self.prepare = self.prepare, None
            prepare(self)
        return super().parse_known_args(args, namespace)
