"""Looks at a file before the work starts: is it there, whole, of the right type, and what is its hash?"""

import hashlib
from typing import Any

import pyarrow as pa

from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.reading.format_checks import Rule
from leadterm.reading.splits import PART
from leadterm.storage.hub_filesystem import known_sha256
from leadterm.storage.location import Location
from leadterm.storage.store_errors import require_reached

INSPECTION = pa.schema(
    [
        ("path", pa.string()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("modified", pa.int64()),
        ("rows", pa.int64()),
        ("version", pa.string()),
        ("column", pa.list_(pa.string())),
        ("parts", pa.list_(PART)),
        ("problem", pa.string()),
    ]
)
"""What is said of a file: the columns of the product ``sources``, and then what the reader needs."""


def inspect_file(path: str, rule: Rule) -> dict[str, Any]:
    """Hash one file and look into it, in one pass over its bytes; gives a row of :data:`INSPECTION`.

    A file that only Spark opens has no bytes in its report, one that cannot be used a problem.
    """
    report: dict[str, Any] = dict.fromkeys(INSPECTION.names) | {"path": path}
    digest, n_bytes = hashlib.sha256(), 0

    def watch(chunk: bytes) -> None:
        nonlocal n_bytes
        digest.update(chunk)
        n_bytes += len(chunk)

    try:
        place = Location.of(path)
        found = rule.inspect(place, watch)
        report |= {"rows": found.rows, "column": found.column, "parts": found.parts}
        report |= {"bytes": n_bytes, "sha256": digest.hexdigest()}
        _refuse_other_bytes(place, digest.hexdigest())
    except UnknownFilesystemError:
        pass  # Spark may know it.
    except InputError as error:
        report["problem"] = str(error)
    except OSError as error:
        require_reached(path, error)
        report["problem"] = f"it cannot be read ({error}). Repair it or leave it out."
    return report


def _refuse_other_bytes(place: Location, sha256: str) -> None:
    """Refuse a file of the hub whose bytes are not those that the hub lists."""
    known = known_sha256(place.filesystem, place.path)
    if known not in (None, sha256):
        raise InputError(f"its bytes have the SHA-256 {sha256[:16]}…, but the hub lists {known[:16]}…. Run again.")
