"""A file that lists documents by their content hashes."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.errors import InputError
from leadterm.storage import Location

FORMS = (
    "a Parquet file with a column document of int64, as run.sources() and run.documents() have it, or a text with a "
    "hash in each line"
)


def read_hashes(place: Location) -> NDArray[np.int64]:
    """Read a file of documents: int64 (documents,), ascending, each once.

    Raises
    ------
    InputError
        If there is no such file, or it is of another form; names the line.
    """
    try:
        data = place.read_bytes()
    except OSError as error:
        raise InputError(f"the documents {place} cannot be read ({error}). Give {FORMS}.") from error
    found = _column(place, data) if place.name.endswith(".parquet") else _lines(place, data)
    if not len(found):
        raise InputError(f"{place} lists no document. Give {FORMS}.")
    return np.unique(found)


def _column(place: Location, data: pa.Buffer) -> NDArray[np.int64]:
    """Take the hashes from a Parquet file."""
    try:
        column = pq.read_table(pa.BufferReader(data), columns=["document"])["document"]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(f"{place} lists no documents ({error}). Give {FORMS}.") from error
    if column.type != pa.int64() or column.null_count:
        raise InputError(f"{place} lists no documents: its column is {column.type}, with nulls or not. Give {FORMS}.")
    hashes: NDArray[np.int64] = column.to_numpy()
    return hashes


def _lines(place: Location, data: pa.Buffer) -> NDArray[np.int64]:
    """Take the hashes from the lines of a text."""
    found = []
    for number, line in enumerate(data.to_pybytes().decode(errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(np.int64(int(line)))
        except (ValueError, OverflowError) as error:
            raise InputError(f"{place}, line {number}: expected the hash of a document, found {line!r:.60}") from error
    return np.array(found, dtype=np.int64)
