"""Lists the files of a corpus as Spark would, without Spark."""

import re
from collections.abc import Iterator, Sequence

from pyarrow import fs

from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.store.location import Location

MAGIC = re.compile(r"[*?\[{]")
HIDDEN = ("_", ".")
"""Spark leaves files and folders alone whose names begin so."""
_GLOB = re.compile(r"\\.|\[!?[^\]]*\]|[*?{},]|[^*?{},\[\\]+|.", re.DOTALL)
_TRANSLATED = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}


def list_corpus(paths: Sequence[str]) -> list[tuple[Location, int]]:
    """List the files that lie at paths, and in all folders below them, with their lengths, in order of path.

    Parameters
    ----------
    paths
        Files, folders, globs or URLs.

    Raises
    ------
    InputError
        Names the path at which there is nothing, or whose filesystem only Spark knows.
    """
    found: dict[str, tuple[Location, int]] = {}
    for path in paths:
        try:
            here = {place.uri: (place, size) for place, size in _list(Location.of(path))}
        except UnknownFilesystemError as error:
            raise InputError(f"{error} Spark may know it, but a plan is made without Spark.") from error
        if not here:
            raise InputError(f"there is no file at {path}. Check corpus.paths in the config.")
        found |= here
    return [found[uri] for uri in sorted(found)]


def _list(place: Location) -> Iterator[tuple[Location, int]]:
    """List the files at a path."""
    info = place.filesystem.get_file_info(place.path)
    if info.type == fs.FileType.File:
        yield place, info.size
    elif info.type == fs.FileType.Directory:
        yield from _below(place, place.path, re.compile(""))
    elif MAGIC.search(place.path):
        start = place.path[: MAGIC.search(place.path).start()].rpartition("/")[0]  # type: ignore[union-attr]
        yield from _below(place, start, re.compile(f"{glob_to_regex(place.path[len(start) :].lstrip('/'))}(?:/.*)?$"))


def _below(place: Location, folder: str, pattern: re.Pattern[str]) -> Iterator[tuple[Location, int]]:
    """List the files below a folder whose paths from there match."""
    selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
    for info in place.filesystem.get_file_info(selector):
        name = info.path[len(folder) :].lstrip("/")
        hidden = any(part.startswith(HIDDEN) for part in name.split("/"))
        if info.type == fs.FileType.File and not hidden and pattern.match(name):
            yield Location(place.filesystem, info.path, info.path), info.size


def glob_to_regex(pattern: str) -> str:
    r"""Write a glob of Hadoop as a regular expression.

    Examples
    --------
    >>> glob_to_regex("part-*.{json,gz}")
    'part\\\\-[^/]*\\\\.(?:json|gz)'
    """
    depth, parts = 0, []
    for piece in _GLOB.findall(pattern):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if piece == "," and depth < 1:
            parts.append(",")
        elif piece.startswith("[") and len(piece) > 1:
            parts.append(piece.replace("[!", "[^", 1))
        else:
            parts.append(_TRANSLATED.get(piece) or re.escape(piece.removeprefix("\\") or piece))
    return "".join(parts)
