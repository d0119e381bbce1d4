"""Whether files belong to a table whose log says which of them count: then they are not to be read one by one."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyarrow import fs

from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.storage.location import Location

THREADS = 16
"""Folders that are looked at together: on an object store each takes some requests."""
DELTA_LOG, HUDI_TIMELINE, ICEBERG_METADATA = "_delta_log", ".hoodie", "metadata"
ICEBERG_FILE = re.compile(r"(?:v\d+|\d{5,}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.gz)?\.metadata\.json")
"""What Iceberg calls the files that describe a table, in a folder of Hadoop's and in a catalog's."""


@dataclass(frozen=True)
class TableRoot:
    """The root of a table.

    Attributes
    ----------
    folder
        Its path or URL.
    format
        As ``corpus.format`` names it.
    mark
        What in the folder shows it.
    """

    folder: str
    format: str
    mark: str


def refuse_table_roots(files: Iterable[str], folders: Iterable[str] = ()) -> None:
    """Refuse files that lie anywhere below the root of a Delta, Hudi or Iceberg table, and such roots.

    Parameters
    ----------
    files
        Paths or URLs of files. All folders above each are looked at, up to the filesystem's root.
    folders
        Paths or URLs of folders that are looked at themselves, and all above them. What only Spark opens is left alone.

    Raises
    ------
    InputError
        Names the root, a file or folder there, and how the table is read.
    """
    first_below = {file.rpartition("/")[0]: file for file in files} | {folder: folder for folder in folders}
    found: dict[str, tuple[Location, str]] = {}
    for folder, given in first_below.items():
        try:
            place = Location.of(folder or "/")
        except UnknownFilesystemError:
            continue
        for above in _up(place):
            if above.uri in found:
                break
            found[above.uri] = (above, given)
    with ThreadPoolExecutor(THREADS) as pool:
        roots = pool.map(lambda pair: table_root(pair[0]), found.values())
        for root, (_, given) in zip(roots, found.values(), strict=True):
            if root is not None:
                raise InputError(_why_not(root, given))


def table_root(folder: Location) -> TableRoot | None:
    """Say which kind of table has its root in a folder; None if there is none, or nobody may look."""
    marks = {"delta": DELTA_LOG, "hudi": HUDI_TIMELINE, "iceberg": ICEBERG_METADATA}
    try:
        infos = folder.filesystem.get_file_info([(folder / mark).path for mark in marks.values()])
        for (kind, mark), info in zip(marks.items(), infos, strict=True):
            if info.type == fs.FileType.Directory and (kind != "iceberg" or _describes(folder / mark)):
                return TableRoot(folder.uri, kind, mark)
    except OSError:  # A folder above the files that is somebody else's.
        return None
    return None


def _describes(metadata: Location) -> bool:
    """Say whether a folder ``metadata`` holds a file by which Iceberg describes a table."""
    return any(ICEBERG_FILE.fullmatch(name) for name in metadata.names())


def _up(place: Location) -> Iterator[Location]:
    """Give a place and all folders above it, the nearest first."""
    base, mark, options = (place.uri, "", "") if place.is_local else place.uri.partition("?")
    path = place.path.rstrip("/")
    yield Location(place.filesystem, path or "/", place.uri)
    parts_of_root = len(("datasets", "owner", "name")) if place.uri.startswith("hf://") else 1
    while path.lstrip("/").count("/") >= parts_of_root:
        path, base = path.rpartition("/")[0], base.rstrip("/").rpartition("/")[0]
        yield Location(place.filesystem, path, f"{base}{mark}{options}")


def _why_not(root: TableRoot, given: str) -> str:
    """Say why files of a table are refused, and how it is read."""
    name = {"delta": "a Delta", "hudi": "a Hudi", "iceberg": "an Iceberg"}[root.format]
    place = Location.of(given)
    start = f"{place} is" if place.uri == root.folder else f"{place} lies in {root.folder},"
    return (
        f"{start} the root of {name} table (it has a folder {root.mark}). Only the table's own log says which of "
        f"its files are current: others hold rows that were deleted or rewritten. Set corpus.format to {root.format} "
        "and "
        f"corpus.paths to [{root.folder}], or name the table in corpus.table."
    )
