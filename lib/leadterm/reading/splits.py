"""Parts of input files that a task reads: a row group of Parquet, or whole lines of JSON."""

from typing import NamedTuple

import pyarrow as pa


class Split(NamedTuple):
    """A part of a file that is read at once.

    Attributes
    ----------
    source
        The row of its file in the product ``sources``.
    place
        The file's URL.
    start
        The row group's number, or the byte at which the first line begins.
    length
        Bytes in the file: of the column in the row group, or of the lines. A compressed file of lines is one split.
    first_row
        The number of its first row in the file, from 0; of JSON lines that of its first line, from 1.
    records
        How many rows, or lines that are not blank, it holds.
    most
        How many of these are read: all, but where only the first documents are wanted.
    """

    source: int
    place: str
    start: int
    length: int
    first_row: int
    records: int
    most: int


SPLITS = pa.schema(
    [
        ("source", pa.int32()),
        ("place", pa.string()),
        *((name, pa.int64()) for name in ("start", "length", "first_row", "records", "most")),
    ]
)
"""The same, in Arrow's types."""
PART = pa.struct([(name, pa.int64()) for name in ("start", "length", "first_row", "records")])
"""What the report of a file says of each of its parts."""
