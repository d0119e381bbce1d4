"""Files that are being written: hashed on the way, and never seen half done."""

import hashlib
import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from leadterm.errors import MachineError
from leadterm.storage.location import Location
from leadterm.storage.store_errors import require_reached


class HashingSink(io.RawIOBase):
    """A file opened for writing that knows the SHA-256 and the length of what went through it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._part: Any = None
        self.n_bytes = self._cut_at = 0

    def writable(self) -> bool:
        """Tell writers that they may write."""
        return True

    def write(self, data: Any) -> int:
        """Pass bytes on, and remember them in the hash."""
        view = memoryview(data).cast("B")
        self._digest.update(view)
        if self._part is not None:
            self._part.update(view)
        self._stream.write(data)
        self.n_bytes += len(view)
        return len(view)

    @property
    def sha256(self) -> str:
        """The hash of all bytes so far, in hexadecimal."""
        return self._digest.hexdigest()

    def cut(self) -> tuple[int, str]:
        """Give the length and the hash of what was written since the last cut; the first one begins this account."""
        part = self.n_bytes - self._cut_at, "" if self._part is None else self._part.hexdigest()
        self._part, self._cut_at = hashlib.sha256(), self.n_bytes
        return part


@contextmanager
def output(location: Location) -> Iterator[pa.NativeFile]:
    """Open a file for writing in a folder that is there; if the block raises, nothing of it is left."""
    try:
        with location.filesystem.open_output_stream(location.path) as stream:
            yield stream
    except BaseException:
        location.remove()
        raise


@contextmanager
def hashing_output(location: Location) -> Iterator[HashingSink]:
    """Open a file for writing as :func:`output` does, and hash what is written."""
    with output(location) as stream:
        yield HashingSink(stream)


@contextmanager
def part_output(location: Location) -> Iterator[pa.NativeFile]:
    """Open a file for writing, in a folder that is there, that appears under its name when it is whole.

    On an object store every file does. Where several tasks write the same file under the same name, one of them stays.
    """
    place = _hidden(location) if location.renames else location
    with output(place) as stream:
        yield stream
    if location.renames:
        try:
            place.filesystem.move(place.path, location.path)  # Not move_to, which would bring a removed folder back.
        except OSError:
            place.remove()
            raise


def _hidden(location: Location) -> Location:
    """Give a file a hidden place of its own beside where it belongs."""
    folder, _, name = location.path.rpartition("/")
    hidden = f".{name}.partial-{uuid.uuid4().hex[:12]}"
    return Location(location.filesystem, f"{folder}/{hidden}", f"{location.uri.rpartition('/')[0]}/{hidden}")


@contextmanager
def whole_output(location: Location) -> Iterator[HashingSink]:
    """Open a file for writing that appears under its name when it is whole; what it replaces stays until then.

    Raises
    ------
    MachineError
        If it cannot be written, or the disk is full.
    """
    partial = _hidden(location)
    try:
        location.make_parent()
        with hashing_output(partial) as sink:
            yield sink
        partial.move_to(location)
    except OSError as error:
        require_reached(location, error, writes=True)
        raise MachineError(
            f"cannot write {location}: {error}. Choose a place that you can write to, on a disk with free space."
        ) from error
    finally:
        partial.remove()
