"""Who works in a staging folder: one job at a time, and one that was killed gives way.

No two clocks are compared. The owner's file changes every 15 s. On the owner's own machine its process is looked for,
by its number and the time of its start. Anywhere else the file is watched: where it changes, the owner is at work;
where it stays the same for two minutes of the watcher's own monotonic clock, the owner is taken for dead.
"""

import json
import logging
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import pyarrow as pa

from leadterm.errors import MachineError, RunError
from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import part_output
from leadterm.telemetry.progress import repeatedly

OWNER = "owner.json"
BEAT_SECONDS = 15.0
"""How often an owner changes its file."""
WATCH_SECONDS = 120.0
"""How long a file must not change for its owner to be taken for dead: some beats may be late on a busy file system."""
LOOK_SECONDS = 1.0
"""How often a file is looked at that is watched."""
_HELD: dict[str, "Owner"] = {}
"""Folders that this process works in: its name may also stand where it could not be removed."""
_SEEN: dict[str, tuple[bytes, float]] = {}
"""What the file of another machine's owner held, and since when by this process's monotonic clock."""

logger = logging.getLogger("leadterm")


@dataclass(frozen=True)
class Owner:
    """A process that works in a staging folder; earlier versions wrote only where it runs, and a time as its beat.

    Attributes
    ----------
    host, pid
        Where it runs, and its number there.
    beat
        Changes with every sign of life.
    machine, started
        Which machine's numbers are meant, as containers and machines may share a name, and when the process began, as
        numbers are used again.
    nonce
        Of this ownership: the same process may own the same folder again.
    """

    host: str
    pid: int
    beat: float
    machine: str = ""
    started: str = ""
    nonce: str = ""

    @classmethod
    def me(cls) -> "Owner":
        """Name this process, for a folder that it begins to own."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, 0, this_machine(), _started(pid) or "", uuid.uuid4().hex)

    @classmethod
    def of(cls, folder: Location) -> "Owner | None":
        """Read whose a staging folder is; None if it is nobody's."""
        return cls._from(_text(folder))

    @classmethod
    def _from(cls, text: bytes | None) -> "Owner | None":
        try:
            return None if text is None else cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def to_json(self) -> bytes:
        """Write it as text."""
        return json.dumps(asdict(self)).encode()

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, so that its process can be looked for."""
        return bool(self.machine) and self.machine == this_machine()

    @property
    def is_me(self) -> bool:
        """Whether it is this process."""
        return self.is_here and (self.pid, self.started) == (os.getpid(), _started(os.getpid()) or "")

    @property
    def runs(self) -> bool:
        """Whether its process is there, on this machine; one whose start is hidden from this user may be it."""
        started = _started(self.pid)
        return _exists(self.pid) if started is None else started == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@cache
def this_machine() -> str:
    """Name what numbers processes: the kernel that runs since it was started, and in it the container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # No Linux.
        return f"{socket.gethostname()} {uuid.getnode():x}"


def _started(pid: int) -> str | None:
    """Say when a process of this machine began, in the unit of the system; None if it does not tell.

    A process that is dead, whose parent has not asked for its exit status yet, never began.
    """
    try:
        if Path("/proc/self/stat").exists():  # proc(5): the fields after the name are the state, and 20th the start.
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return "" if state in "ZX" else fields[18]
        asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return asked.stdout.strip() or None
    except (OSError, ValueError, IndexError):
        return None


def _exists(pid: int) -> bool:
    """Say whether this machine has a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _text(folder: Location) -> bytes | None:
    """Read an owner's file, whole or not; None if there is none."""
    try:
        text: bytes = (folder / OWNER).read_bytes().to_pybytes()
    except FileNotFoundError:
        return None
    return text


def is_free(folder: Location) -> bool:
    """Say whether nobody works in a folder, without waiting.

    The owner on another machine is not known to be dead before its file has stayed the same for two minutes since this
    process first looked at it.
    """
    if folder.uri in _HELD:
        return False
    text = _text(folder)
    owner = Owner._from(text)
    if text is None or (owner is not None and owner.is_me):
        return True
    if owner is not None and owner.is_here:
        return not owner.runs
    before, since = _SEEN.get(folder.uri, (None, 0.0))
    if before != text:
        _SEEN[folder.uri] = text, time.monotonic()
        return False
    return time.monotonic() - since >= WATCH_SECONDS


def require_free(folder: Location) -> None:
    """Refuse a staging folder that another job works in; where that is not known, its file is watched until it is.

    Raises
    ------
    RunError
        Names the job's process.
    """
    is_told, first = False, _text(folder)
    while not is_free(folder):
        owner = Owner.of(folder) or "which is just starting"
        if isinstance(owner, Owner) and owner.is_here:
            raise RunError(f"another job, {owner}, is running in {folder}. Wait until it is done, or stop it.")
        if _text(folder) not in (None, first):
            raise RunError(
                f"another job, {owner}, is running in {folder}: its heartbeat there changed while it was watched. "
                "Wait until it is done, or stop it."
            )
        if not is_told:
            text = "watching for up to %.0f s whether another job, %s, is still at work in %s"
            logger.info(text, WATCH_SECONDS, owner, folder)
            is_told = True
        time.sleep(LOOK_SECONDS)


def is_mine(folder: Location) -> bool:
    """Say whether a folder that this process works in is still its own, as far as one sees."""
    mine = _HELD.get(folder.uri)
    with suppress(OSError, MachineError):
        owner = Owner.of(folder)
        return owner is None or mine is None or owner.nonce == mine.nonce
    return True


def require_mine(folder: Location) -> None:
    """Refuse to go on in a folder that another job has taken meanwhile, as this one showed no life for too long.

    Raises
    ------
    RunError
        Names the other job's process.
    """
    if not is_mine(folder):
        raise RunError(
            f"another job, {Owner.of(folder)}, has taken {folder} over: this one showed no heartbeat there for "
            f"{WATCH_SECONDS:.0f} s, or both began at once. Nothing was changed in the run; wait until the other is "
            "done."
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
    _SEEN.pop(folder.uri, None)
    if not folder.is_local:
        _say_alive(place, Owner.me())
        return
    place.remove()
    if not _is_first(Path(place.path), Owner.me()):
        require_free(folder)
        _say_alive(place, Owner.me())


def _is_first(place: Path, owner: Owner) -> bool:
    """Write an owner's file where there is none: of two that come at once, one is first, and its file is whole."""
    whole = place.with_name(f".{place.name}.{owner.nonce}")
    whole.write_bytes(owner.to_json())
    try:
        place.hardlink_to(whole)
    except FileExistsError:
        return False
    except OSError:  # A file system without links.
        with suppress(FileExistsError):
            place.open("xb").close()
            place.write_bytes(owner.to_json())
            return True
        return False
    finally:
        whole.unlink()
    return True


@contextmanager
def alive_in(folder: Location) -> Iterator[None]:
    """Say again and again in a block that the owner is alive; after it, the folder is nobody's."""
    owner = Owner.of(folder)
    mine = owner if owner is not None and owner.is_me else Owner.me()
    _HELD[folder.uri] = mine
    try:
        with repeatedly(lambda: _still_alive(folder), BEAT_SECONDS):
            yield
    finally:
        is_left = is_mine(folder)
        del _HELD[folder.uri]
        with suppress(OSError, MachineError):
            if is_left:
                (folder / OWNER).remove()


def _say_alive(place: Location, owner: Owner) -> None:
    """Write who owns the folder, which is there."""
    with part_output(place) as file:
        file.write(owner.to_json())


def _still_alive(folder: Location) -> None:
    """Say so again, unless the folder is another's by now; that a file system fails once does not end the job."""
    with suppress(OSError, pa.ArrowException, MachineError):
        if is_mine(folder):
            mine = _HELD[folder.uri]
            _HELD[folder.uri] = replace(mine, beat=mine.beat + 1)
            _say_alive(folder / OWNER, _HELD[folder.uri])
