"""Lists the files of a corpus: what is read later is this list, by name, and nothing else."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from pyarrow import fs

from leadterm.errors import InputError
from leadterm.reading.globs import ALL_LEVELS, expand_braces, is_pattern, match_part
from leadterm.reading.hub_datasets import pin_revisions
from leadterm.reading.table_roots import refuse_table_roots
from leadterm.storage.location import Location

HIDDEN = ("_", ".")
"""Names that begin so are left out, as Spark does: folders of work in progress, marks such as ``_SUCCESS``."""
COMPANIONS = re.compile(
    r"(?i)(readme|licen[cs]e|notice|citation|changelog)(\..*)?|.*\.(md|crc|sha256|md5)|dataset_infos?\.json|sha256sums"
)
"""Names of files that lie beside the data of a folder and are none: texts about it, hashes."""


@dataclass
class Listing:
    """The files of a corpus.

    Attributes
    ----------
    files
        Where each lies, and its length in bytes; by its address.
    passed_over
        Addresses of files in folders that are not read: hidden ones, and texts about the data.
    """

    files: dict[str, tuple[Location, int]] = field(default_factory=dict)
    passed_over: set[str] = field(default_factory=set)

    def ordered(self) -> list[tuple[Location, int]]:
        """Give the files in order of their addresses."""
        return [self.files[address] for address in sorted(self.files)]

    @property
    def left_out(self) -> list[str]:
        """Name the files that are not read, in order."""
        return sorted(self.passed_over - self.files.keys())


def list_corpus(paths: Sequence[str], *, may_be_tables: bool = False) -> Listing:
    """List the files that lie at paths, and in all folders below them.

    Parameters
    ----------
    paths
        Files, folders, patterns or URLs. What exists under exactly this name is no pattern.
    may_be_tables
        Whether files of tables are listed too, for a caller who refuses them all at once.

    Raises
    ------
    InputError
        Names the path at which there is nothing, a pattern that readers take differently, a link that leads back to a
        folder that it is in, or the root of a table whose files are not to be read one by one.
    UnknownFilesystemError
        Names the URL that neither pyarrow nor fsspec opens.
    """
    listing = Listing()
    for path in pin_revisions(paths):
        before = len(listing.files)
        hidden: list[Location] = []
        found = list(_places(Location.of(path), path, hidden))
        listing.passed_over |= {address_of(_at(Location.of(path), one.path)) for one in hidden}
        for place, is_folder in found:
            (_list_folder if is_folder else _add)(listing, place)
        if not found:
            raise InputError(f"there is no such path: {path}{_meant(path)}. Check corpus.paths in the config.")
        if len(listing.files) == before and not any(address_of(place) in listing.files for place, _ in found):
            raise InputError(_nothing(path, found, listing))
    if not may_be_tables:
        refuse_table_roots(listing.files)
    return listing


def _meant(path: str) -> str:
    """Say where a relative path was looked for."""
    place = Location.of(path)
    return f" (looked for {place})" if place.is_local and str(place) != path.removeprefix("file://") else ""


def address_of(place: Location) -> str:
    """Write where a file lies as a URL, also on a local disk."""
    return Path(place.path).as_uri() if place.is_local else place.uri


def _nothing(path: str, found: Sequence[tuple[Location, bool]], listing: Listing) -> str:
    """Say that a folder holds no file, or only such as are left out."""
    what = f"the folder {path} contains no files" if len(found) == 1 else f"the folders at {path} contain no files"
    if listing.left_out:
        what += f" but {some(map(_short, listing.left_out))}, which is skipped"
    return f"{what}. Check corpus.paths in the config."


def _short(address: str) -> str:
    """Take the last part of an address."""
    return unquote(address).rpartition("/")[2]


def some(names: Iterable[str], shown: int = 5) -> str:
    """List some names, and say how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(listed[:shown]) + more


def _places(place: Location, path: str, hidden: list[Location]) -> Iterator[tuple[Location, bool]]:
    """Give what lies at a path or matches it as a pattern, and whether it is a folder."""
    kind = place.kind()
    if kind in (fs.FileType.File, fs.FileType.Unknown):
        yield place, False
    elif kind == fs.FileType.Directory:
        yield place, True
    elif is_pattern(path):
        yield from _matches(place, hidden)


def _matches(place: Location, hidden: list[Location]) -> Iterator[tuple[Location, bool]]:
    """Give all that matches a pattern, each once."""
    seen: set[str] = set()
    for pattern in expand_braces(place.path):
        parts = pattern.split("/")
        fixed = next((i for i, part in enumerate(parts) if is_pattern(part)), len(parts))
        start = Location(place.filesystem, "/".join(parts[:fixed]) or "/", "")
        if fixed == len(parts):
            found: Iterable[tuple[Location, bool]] = _exactly(start)
        else:
            found = _descend(start, parts[fixed:], hidden)
        for one, is_folder in found:
            if one.path not in seen:
                seen.add(one.path)
                yield _at(place, one.path), is_folder


def _exactly(place: Location) -> Iterator[tuple[Location, bool]]:
    """Give what lies at a path, if there is anything."""
    kind = place.kind()
    if kind != fs.FileType.NotFound:
        yield place, kind == fs.FileType.Directory


def _descend(folder: Location, parts: Sequence[str], hidden: list[Location]) -> Iterator[tuple[Location, bool]]:
    """Give what matches the parts of a pattern below a folder; what does and is hidden is noted instead."""
    part, *rest = parts
    if part == ALL_LEVELS:
        if rest:
            yield from _descend(folder, rest, hidden)
        for entry, is_folder in _entries(folder):
            if entry.name.startswith(HIDDEN):
                hidden += [entry] if is_folder or not rest else []
            elif is_folder:
                if entry.is_local:
                    _refuse_circle(Path(entry.path))
                yield from _descend(entry, parts, hidden)
            elif not rest:
                yield entry, False
        return
    pattern, allows_hidden = match_part(part), part.startswith(HIDDEN)
    for entry, is_folder in _entries(folder):
        if not pattern.fullmatch(entry.name):
            continue
        if entry.name.startswith(HIDDEN) and not allows_hidden:
            hidden += [entry] if is_folder or not rest else []
        elif not rest:
            yield entry, is_folder
        elif is_folder:
            yield from _descend(entry, rest, hidden)


def _entries(folder: Location) -> list[tuple[Location, bool]]:
    """List what a folder holds, in order of the names."""
    selector = fs.FileSelector(folder.path, allow_not_found=True)
    found = sorted(folder.filesystem.get_file_info(selector), key=lambda info: str(info.path))
    return [(Location(folder.filesystem, info.path, ""), info.type == fs.FileType.Directory) for info in found]


def _at(like: Location, path: str) -> Location:
    """Address another path of the filesystem that a URL lies on."""
    if like.is_local:
        return Location(like.filesystem, path, path)
    base, mark, options = like.uri.partition("?")
    start = base[: len(base) - len(like.path)] if base.endswith(like.path) else base.partition("//")[0] + "//"
    return Location(like.filesystem, path, f"{start}{path}{mark}{options}")


def _add(listing: Listing, place: Location) -> None:
    """Add a file to the list."""
    info = place.filesystem.get_file_info(place.path)
    listing.files[address_of(place)] = (place, int(info.size or 0))


def _list_folder(listing: Listing, folder: Location) -> None:
    """Add all files below a folder to the list, but hidden ones and texts about the data."""
    below = _local_files(Path(folder.path)) if folder.is_local else _files_elsewhere(folder)
    for name, size in below:
        place = _at(folder, f"{folder.path.rstrip('/')}/{name}")
        parts = name.split("/")
        if any(part.startswith(HIDDEN) for part in parts) or COMPANIONS.fullmatch(parts[-1]):
            listing.passed_over.add(address_of(place))
        else:
            listing.files[address_of(place)] = (place, size)


def _files_elsewhere(folder: Location) -> Iterator[tuple[str, int]]:
    """Give all files below a folder that is not on a local disk: their paths from there, and their lengths."""
    selector = fs.FileSelector(folder.path, allow_not_found=True, recursive=True)
    for info in folder.filesystem.get_file_info(selector):
        if info.type == fs.FileType.File:
            yield info.path[len(folder.path) :].lstrip("/"), int(info.size or 0)


def _local_files(folder: Path) -> Iterator[tuple[str, int]]:
    """Give all files below a local folder; links are followed.

    Raises
    ------
    InputError
        Names a link that leads back to a folder that it is in.
    """
    for here, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in folders:
            _refuse_circle(Path(here, name))
        for name in sorted(names):
            path = Path(here, name)
            if not path.exists():
                raise InputError(f"{path} is a link to {path.readlink()}, which does not exist. Remove or repair it.")
            yield path.relative_to(folder).as_posix(), path.stat().st_size


def _refuse_circle(folder: Path) -> None:
    """Refuse a link to a folder that it is in."""
    if not folder.is_symlink():
        return
    real = folder.resolve()
    for parent in folder.parents:
        if parent.resolve() == real:
            raise InputError(
                f"{folder} is a link to {parent}, which contains it: its files would be read endlessly. "
                "Remove the link, or name the folders beside it in corpus.paths."
            )
