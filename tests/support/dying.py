"""A process that is killed in the middle of its work on files, as far as the disk can tell."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from pyarrow import fs

from leadterm.storage import Location


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

    with _watched_changes(tick):
        yield done


@contextmanager
def dying_in(owner: Any, name: str, call: int) -> Iterator[None]:
    """Die as a function is called for this many times in the block: nothing cleans up."""
    function, calls = getattr(owner, name), 0

    def tick(_what: str = "") -> None:
        if calls >= call:
            raise Killed

    @wraps(function)
    def mortal(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        tick()
        return function(*args)

    with patch.object(owner, name, mortal), _watched_changes(tick):
        yield


@contextmanager
def _watched_changes(tick: Callable[[str], None]) -> Iterator[None]:
    """Tell of each change to files before it happens."""

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
        yield
