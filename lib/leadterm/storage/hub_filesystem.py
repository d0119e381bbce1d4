"""The hub as a filesystem of pyarrow's, and what it answers instead of a file, told with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from pyarrow import PythonFile, fs

from leadterm.errors import InputError
from leadterm.packages import require_packages

FOLDER = "the path of a folder with a downloaded copy of the dataset"


@contextmanager
def asking_for_files(wanted: str) -> Iterator[None]:
    """Retell what the hub's client raises inside the block, where files of a data set are asked for.

    Raises
    ------
    InputError
        With what was found and what to do.
    """
    require_packages(wanted, "hub")
    from huggingface_hub import errors as hub_errors  # noqa: PLC0415  # slow to import, and for few corpora

    from leadterm.corpus.hub_errors import asking_the_hub  # noqa: PLC0415  # as above

    choose = "Check the part after @ in corpus.paths: a branch, a tag or a commit."
    try:
        with asking_the_hub(wanted, choose, FOLDER, "dataset"):
            try:
                yield
            except hub_errors.OfflineModeIsEnabled as error:
                raise InputError(
                    f"{wanted}: HF_HUB_OFFLINE is set, but files of a dataset are read from the hub. Unset it, or "
                    f"give {FOLDER}."
                ) from error
            except (hub_errors.EntryNotFoundError, FileNotFoundError) as error:
                if isinstance(error.__cause__, hub_errors.HfHubHTTPError):  # Its filesystem hides what it was.
                    raise error.__cause__ from error
                raise InputError(
                    f"{wanted}: the hub has no such file or folder at this revision. Check corpus.paths."
                ) from error
    except Exception as error:
        if not _is_of_the_network(error):
            raise
        raise InputError(
            f"{wanted}: the hub cannot be reached ({error or type(error).__name__}). Check the network and HF_ENDPOINT "
            f"and run again, or give {FOLDER}."
        ) from error


def _is_of_the_network(error: Exception) -> bool:
    """Say whether an exception is the HTTP client's: which client that is depends on the version of the hub's."""
    return any(kind.__name__ == "TransportError" for kind in type(error).__mro__)


def hub_filesystem() -> fs.FileSystem:
    """Open the hub for reading; endpoint and token come from the usual places, such as HF_ENDPOINT and HF_TOKEN."""
    require_packages("an address that begins with hf://", "hub")
    from huggingface_hub import constants  # noqa: PLC0415  # slow to import, and for few corpora

    return _filesystem(constants.ENDPOINT)


@cache
def _filesystem(endpoint: str) -> fs.FileSystem:
    """Open a hub: one client in a process."""
    from huggingface_hub import HfFileSystem  # noqa: PLC0415  # slow to import, and for few corpora

    return fs.PyFileSystem(_Handler(HfFileSystem(endpoint=endpoint)))


def known_sha256(filesystem: fs.FileSystem, path: str) -> str | None:
    """Say what a file of the hub should hash to, which the hub knows of large files; None of others, and elsewhere."""
    handler = getattr(filesystem, "handler", None)
    if not isinstance(handler, _Handler):
        return None
    with asking_for_files(f"hf://{path}"):
        large = handler.fs.info(path).get("lfs")
    return None if large is None else str(large["sha256"])


class _Handler(fs.FSSpecHandler):  # type: ignore[misc]  # pyarrow has no types
    """Gives pyarrow files of the hub, whose errors say what to do."""

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        with asking_for_files(f"hf://{paths[0]}" if paths else "hf://"):
            return list(super().get_file_info(paths))

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        with asking_for_files(f"hf://{selector.base_dir}"):
            return list(super().get_file_info_selector(selector))

    def open_input_file(self, path: str) -> Any:
        with asking_for_files(f"hf://{path}"):
            return PythonFile(_File(self.fs.open(path, mode="rb"), f"hf://{path}"), mode="r")

    def open_input_stream(self, path: str) -> Any:
        return self.open_input_file(path)


class _File:
    """A file of the hub."""

    def __init__(self, file: Any, url: str) -> None:
        self._file, self._url = file, url

    def read(self, length: int = -1) -> bytes:
        with asking_for_files(self._url):
            return bytes(self._file.read(length))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
