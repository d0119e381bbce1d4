"""A file that lists pairs of tokens."""

import hashlib
import logging
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm.corpus.token_names import TokenNames
from leadterm.errors import InputError
from leadterm.storage import Location

COLUMNS = ("token", "other")
FORMS = (
    "a Parquet file with the columns token and other, or a text with a pair in each line and a tab between its tokens"
)

logger = logging.getLogger("leadterm")


@dataclass(frozen=True, eq=False)
class ListedPairs:
    """The pairs of a file, each once, in its order.

    Attributes
    ----------
    ids
        int64 (pairs, 2): the earlier token and the later one.
    sha256
        Of the ids.
    """

    ids: NDArray[np.int64]

    @property
    def sha256(self) -> str:
        """Hash the pairs."""
        return hashlib.sha256(self.ids.astype("<i8").tobytes()).hexdigest()


def read_pairs(place: Location, names: TokenNames) -> ListedPairs:
    """Read a file of pairs; one that comes again is passed over.

    Raises
    ------
    InputError
        If there is no such file, it is of another form, or a token is not in the vocabulary; names the line or row.
    """
    try:
        data = place.read_bytes()
    except OSError as error:
        raise InputError(f"the pairs {place} cannot be read ({error}). Give {FORMS}.") from error
    rows = _table_rows(place, data) if place.name.endswith(".parquet") else _text_rows(place, data)
    found: dict[tuple[int, int], None] = {}
    for where, token, other in rows:
        try:
            found[names.find(token), names.find(other)] = None
        except InputError as error:
            raise InputError(f"{place}, {where}: {error}") from error
    if not found:
        raise InputError(f"{place} lists no pair. Give {FORMS}.")
    if len(found) < len(rows):
        logger.info("%s of the %s pairs come again: they are looked up once", len(rows) - len(found), len(rows))
    return ListedPairs(np.array(list(found), dtype=np.int64))


def _table_rows(place: Location, data: pa.Buffer) -> list[tuple[str, str, str]]:
    """Take pairs from a Parquet file."""
    try:
        table = pq.read_table(pa.BufferReader(data), columns=list(COLUMNS)).cast(
            pa.schema([(name, pa.string()) for name in COLUMNS])
        )
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(f"{place} lists no pairs ({error}). Give {FORMS}.") from error
    if any(column.null_count for column in table.columns):
        raise InputError(f"{place} has a row without a token. Give {FORMS}.")
    columns = (table[name].to_pylist() for name in COLUMNS)
    return [(f"row {number}", *pair) for number, pair in enumerate(zip(*columns, strict=True))]


def _text_rows(place: Location, data: pa.Buffer) -> list[tuple[str, str, str]]:
    """Take pairs from the lines of a text."""
    try:
        lines = data.to_pybytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{place} is no UTF-8 text ({error}). Give {FORMS}.") from error
    rows = []
    for number, line in enumerate((one.removesuffix("\r") for one in lines), start=1):
        if not line:
            continue
        tokens = line.split("\t")
        if len(tokens) != len(COLUMNS):
            raise InputError(f"{place}, line {number}: expected two tokens with a tab between them, found {line!r:.80}")
        rows.append((f"line {number}", *tokens))
    return rows
