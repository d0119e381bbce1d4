"""Folders and files on any filesystem that pyarrow opens: a local disk, S3, GCS, HDFS, and fsspec's for the rest."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from leadterm.errors import UnknownFilesystemError
from leadterm.storage.store_errors import reaching, require_reached

CHUNK = 8 * 2**20
"""Bytes read at a time while hashing: enough for an object store to stream, little for an executor."""


Stamp = tuple[int, int]
"""Length, and time of change in nanoseconds since 1970, 0 where that is not known; both 0 of a file that is gone."""


@dataclass(frozen=True)
class Location:
    """A path on a filesystem; ``location / name`` goes down into it.

    Attributes
    ----------
    filesystem
        Where the path lies.
    path
        The path as that filesystem writes it, without a scheme.
    uri
        What to give to :meth:`of` on another machine to come back here.
    """

    filesystem: fs.FileSystem
    path: str
    uri: str

    @classmethod
    def of(cls, uri: str | Path) -> "Location":
        """Open a path or a URL.

        Raises
        ------
        UnknownFilesystemError
            If neither pyarrow nor fsspec knows the URL's scheme, or its address is malformed.
        """
        text = str(uri)
        scheme, colon, rest = text.partition(":")
        # A plain path; one letter is a drive, and a colon without a slash behind it is a letter of a name.
        if not colon or "/" in scheme or len(scheme) == 1 or not rest.startswith("/") or _is_there(text):
            path = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100  # Without "..", as in Spark's lists.
            return cls(fs.LocalFileSystem(), path.as_posix(), path.as_posix())
        if scheme == "file":
            path = Path(unquote("/" + rest.lstrip("/")))
            return cls(fs.LocalFileSystem(), path.as_posix(), path.as_posix())
        if scheme == "hf":
            from leadterm.storage.hub_filesystem import hub_filesystem  # noqa: PLC0415  # slow to import, and for few corpora

            return cls(hub_filesystem(), rest.lstrip("/"), text.rstrip("/"))
        try:
            filesystem, path_there = fs.FileSystem.from_uri(text)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError) as error:
            require_reached(text, error)  # The library asks S3 where a bucket lies.
            return cls._through_fsspec(text, error)
        return cls(filesystem, path_there, text.rstrip("/"))

    @classmethod
    def _through_fsspec(cls, uri: str, reason: Exception) -> "Location":
        """Open a URL whose scheme pyarrow does not know with fsspec's filesystem of that name."""
        try:
            import fsspec  # noqa: PLC0415  # heavy, for rare schemes only, and a package that readers need not have

            filesystem, path = fsspec.core.url_to_fs(uri)
        except (ValueError, ImportError, OSError) as error:
            message = f"cannot open {uri}: {reason}; fsspec: {error}. Install the filesystem's package."
            raise UnknownFilesystemError(message) from error
        return cls(fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path, uri.rstrip("/"))

    def __truediv__(self, name: str) -> "Location":
        """Go down to an entry of this folder; options of the URL (``?region=...``) stay at its end."""
        base, mark, options = (self.uri, "", "") if self.is_local else self.uri.partition("?")
        uri = f"{base.rstrip('/')}/{name}{mark}{options}"
        return Location(self.filesystem, f"{self.path.rstrip('/')}/{name}", uri)

    def __str__(self) -> str:
        """Show the address as the user gave it."""
        return self.uri

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def is_local(self) -> bool:
        """Whether a folder can be renamed here in one step."""
        return isinstance(self.filesystem, fs.LocalFileSystem)

    @property
    def renames(self) -> bool:
        """Whether a file gets another name here in one step; on an object store that is a copy."""
        return self.filesystem.type_name in ("local", "hdfs")

    @reaching
    def kind(self) -> fs.FileType:
        """Say whether there is a file, a folder or nothing here."""
        return self.filesystem.get_file_info(self.path).type

    def exists(self) -> bool:
        """Say whether there is anything here."""
        return bool(self.kind() != fs.FileType.NotFound)

    @reaching
    def names(self) -> list[str]:
        """List the entries of this folder, sorted; empty if there is no such folder."""
        selector = fs.FileSelector(self.path, allow_not_found=True)
        return sorted(info.base_name for info in self.filesystem.get_file_info(selector))

    @reaching
    def size(self) -> int | None:
        """Say how many bytes the file has; None if nothing is here."""
        info = self.filesystem.get_file_info(self.path)
        return None if info.type == fs.FileType.NotFound else int(info.size or 0)

    @reaching
    def stamp(self) -> Stamp:
        """Say how long the file is and when it changed, links followed: by these a file that changes is noticed."""
        info = self.filesystem.get_file_info(self.path)
        return (0, 0) if info.type == fs.FileType.NotFound else (int(info.size or 0), int(info.mtime_ns or 0))

    def open_input(self) -> pa.NativeFile:
        """Open the file for reading at any place.

        Raises
        ------
        OSError
            If it cannot be read, or is no regular file: opening a pipe or a device would wait for ever.
        """
        self._require_regular()
        return self.filesystem.open_input_file(self.path)

    def open_stream(self, compression: str | None = None) -> pa.NativeFile:
        """Open the file for reading from its beginning; ``compression`` as pyarrow names it, or ``detect``.

        Raises
        ------
        OSError
            As :meth:`open_input`.
        """
        self._require_regular()
        return self.filesystem.open_input_stream(self.path, compression=compression)

    def _require_regular(self) -> None:
        """Refuse what is no regular file; only a local disk has such things."""
        if self.is_local and self.kind() == fs.FileType.Unknown:
            raise OSError(f"{self.path} is not a regular file but a pipe, a socket or a device")

    @reaching
    def read_bytes(self) -> pa.Buffer:
        """Read the whole file."""
        with self.open_input() as file:
            return file.read_buffer()

    def write_bytes(self, data: bytes) -> None:
        """Write a whole file, making the folders above it."""
        self.make_parent()
        with self.filesystem.open_output_stream(self.path) as file:
            file.write(data)

    def make_parent(self) -> None:
        """Make the folder that this entry lies in."""
        self.filesystem.create_dir(self.path.rpartition("/")[0], recursive=True)

    def move_to(self, target: "Location") -> None:
        """Give a file, or on a local disk also a folder, another place."""
        target.make_parent()
        self.filesystem.move(self.path, target.path)

    def remove(self) -> None:
        """Delete the file or the whole folder that is here, if any; of a link, the link and not what it leads to."""
        if self.is_local and Path(self.path).is_symlink():
            Path(self.path).unlink()
            return
        kind = self.kind()
        if kind == fs.FileType.Directory:
            self.filesystem.delete_dir(self.path)
        elif kind == fs.FileType.File:
            self.filesystem.delete_file(self.path)

    @reaching
    def files(self) -> dict[str, int]:
        """List the files in this folder and the folders in it, sorted: their paths from here, and their lengths."""
        if self.is_local:
            return dict(sorted(_files_below(Path(self.path))))
        selector = fs.FileSelector(self.path, allow_not_found=True, recursive=True)
        infos = [info for info in self.filesystem.get_file_info(selector) if info.type == fs.FileType.File]
        start = len(self.path.rstrip("/")) + 1
        return {info.path[start:]: info.size for info in sorted(infos, key=lambda info: str(info.path))}

    def chunks(self) -> Iterator[bytes]:
        """Read the file as its bytes lie there, compressed or not, a chunk at a time."""
        with self.open_stream() as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    def sha256(self, on_chunk: Callable[[bytes], object] = lambda _: None) -> str:
        """Hash the file's bytes; ``on_chunk`` is shown them."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
            on_chunk(chunk)
        return digest.hexdigest()


def _is_there(path: str) -> bool:
    """Say whether something lies at a path that looks like a URL."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _files_below(folder: Path) -> Iterator[tuple[str, int]]:
    """Give all files below a local folder; links are followed, each folder once, so that they may lead in circles."""
    seen: set[str] = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            path = Path(here, name)
            with suppress(FileNotFoundError):  # A link that leads nowhere.
                status = path.stat()
                if stat.S_ISREG(status.st_mode):
                    yield path.relative_to(folder).as_posix(), status.st_size
