"""Who works in a staging folder: one job at a time, and one that was killed gives way."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from leadterm.errors import RunError
from leadterm.progress import repeatedly
from leadterm.store.location import Location

OWNER = "owner.json"
BEAT_SECONDS = 15.0
"""How often an owner says that it is alive."""
STALE_SECONDS = 120.0
"""After which an owner that said nothing is taken for dead: some beats may be late on a busy file system."""
_HELD: set[str] = set()
"""Folders that this process works in: its name may also stand where it could not be removed."""


@dataclass(frozen=True)
class Owner:
    """A process that works in a staging folder.

    Attributes
    ----------
    host, pid
        Where it runs, and its number there.
    beat
        When it was last alive: seconds since 1970.
    """

    host: str
    pid: int
    beat: float

    @classmethod
    def me(cls) -> "Owner":
        """Name this process."""
        return cls(socket.gethostname(), os.getpid(), time.time())

    @classmethod
    def of(cls, folder: Location) -> "Owner | None":
        """Read whose a staging folder is; None if it is nobody's."""
        try:
            return cls(**json.loads((folder / OWNER).read_bytes().to_pybytes()))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def is_alive(self) -> bool:
        """Whether the process may still be at work."""
        if abs(time.time() - self.beat) > STALE_SECONDS:
            return False
        return self.host != socket.gethostname() or _runs(self.pid)

    @property
    def is_me(self) -> bool:
        """Whether it is this process."""
        return (self.host, self.pid) == (socket.gethostname(), os.getpid())

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _runs(pid: int) -> bool:
    """Say whether a process of this machine is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def require_free(folder: Location) -> None:
    """Refuse a staging folder that another job works in.

    Raises
    ------
    RunError
        Names the job's process, and says when the folder will be free if that was killed.
    """
    owner = Owner.of(folder)
    if owner is not None and owner.is_alive and (not owner.is_me or folder.uri in _HELD):
        raise RunError(
            f"another job, {owner}, is at work in {folder}: it said so {max(0, time.time() - owner.beat):.0f} s ago. "
            f"Wait until it is done, or stop it. If it was killed, run again {STALE_SECONDS:.0f} s after it last said "
            "so."
        )


def take(folder: Location) -> None:
    """Make a staging folder this process's; what a process that is dead left in it stays.

    Raises
    ------
    RunError
        If another job works in it.
    OSError
        If it cannot be written.
    """
    require_free(folder)
    place = folder / OWNER
    place.make_parent()
    if folder.is_local:
        place.remove()
        try:
            Path(place.path).open("xb").close()  # Of two that come at once, one is first.
        except FileExistsError:
            time.sleep(1.0)
            require_free(folder)
    _say_alive(place)


@contextmanager
def alive_in(folder: Location) -> Iterator[None]:
    """Say again and again in a block that the owner is alive; after it, the folder is nobody's."""
    place = folder / OWNER
    _HELD.add(folder.uri)
    try:
        with repeatedly(lambda: _still_alive(place), BEAT_SECONDS):
            yield
    finally:
        _HELD.discard(folder.uri)
        with suppress(OSError):
            place.remove()


def _say_alive(place: Location) -> None:
    """Write who owns the folder, which is there."""
    with place.filesystem.open_output_stream(place.path) as file:
        file.write(json.dumps(asdict(Owner.me())).encode())


def _still_alive(place: Location) -> None:
    """Say so again; a file system that fails now and then does not end the job."""
    with suppress(OSError, pa.ArrowException):
        _say_alive(place)
