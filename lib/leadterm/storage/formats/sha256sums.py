"""``SHA256SUMS``: the hash of every file of a published run, as ``sha256sum --check`` reads it."""

import re
from collections.abc import Mapping

from leadterm.errors import RunError
from leadterm.storage.location import Location

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")


def sums_text(hashes: Mapping[str, str]) -> str:
    r"""Write the hashes of files by their paths.

    Examples
    --------
    >>> sums_text({"README.md": "0" * 64}) == "0" * 64 + "  README.md\n"
    True
    """
    return "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(hashes.items()))


def read_sums(folder: Location) -> dict[str, str]:
    """Read the hash of every file of a published run by its path; empty if the folder has no such list.

    Raises
    ------
    RunError
        If a line is not a hash and a path.
    """
    place = folder / SUMS
    if not place.exists():
        return {}
    found: dict[str, str] = {}
    text, done = place.read_bytes().to_pybytes().decode(errors="replace"), 0
    while done < len(text):
        line = _LINE.match(text, done)
        if line is None:
            shown = text[done : done + 100].splitlines()[0]
            raise RunError(
                f"{place} is damaged: {shown!r} is not a hash, two spaces and a path. Publish the run again."
            )
        found[line[2]] = line[1]
        done = line.end()
    return found
