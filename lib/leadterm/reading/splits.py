"""Parts of input files that a task reads: a row group of Parquet, or whole lines of JSON."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.reading.record_selection import unpack


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
    keep
        Which of the records a predicate keeps, as `leadterm.reading.record_selection.pack` writes it; None: all.
    """

    source: int
    place: str
    start: int
    length: int
    first_row: int
    records: int
    most: int
    keep: bytes | None = None

    @property
    def kept(self) -> NDArray[np.bool_] | None:
        """Say of each of the first ``most`` records whether it is kept; None: all are."""
        return None if self.keep is None else unpack(self.keep, self.records)[: self.most]

    @property
    def n_kept(self) -> int:
        """How many documents are read."""
        kept = self.kept
        return self.most if kept is None else int(np.count_nonzero(kept))

    def first(self, n_kept: int) -> "Split":
        """Read no more than so many of the records that are kept, at least one."""
        kept = self.kept
        return self._replace(most=n_kept if kept is None else int(np.flatnonzero(kept)[n_kept - 1]) + 1)


SPLITS = pa.schema(
    [
        ("source", pa.int32()),
        ("place", pa.string()),
        *((name, pa.int64()) for name in ("start", "length", "first_row", "records", "most")),
        ("keep", pa.binary()),
    ]
)
"""The same, in Arrow's types."""
PART = pa.struct([(name, pa.int64()) for name in ("start", "length", "first_row", "records")])
"""What the report of a file says of each of its parts."""
