"""A process that is killed in the middle of its work on files, as far as the disk can tell."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from pyarrow import fs

from leadterm.store import Location


class Killed(BaseException):
    """What a killed process never sees."""


@contextmanager
def dying_after(changes: int) -> Iterator[list[str]]:
    """Let so many changes to files happen in the block, and no more: neither later ones nor what cleans up.

    A folder is removed a file at a time. Yields a list that the changes are entered in.
    """
    done: list[str] = []

    def tick(what: str) -> None:
        if len(done) == changes:
            raise Killed
        done.append(what)

    def mortal(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def change(*args: Any) -> Any:
            tick(f"{method.__name__} {args[-1]}")
            return method(*args)

        return change

    remove = Location.remove

    def remove_slowly(self: Location) -> None:
        for name in self.files() if self.kind() == fs.FileType.Directory else ():
            tick(f"remove {self / name}")
            remove(self / name)
        tick(f"remove {self}")
        remove(self)

    methods = {name: mortal(getattr(Location, name)) for name in ("move_to", "write_bytes", "make_parent")}
    with patch.multiple(Location, remove=remove_slowly, **methods):
        yield done
