"""Documents cut into pieces of some windows each, so that a long one can be drawn in part."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.config import WindowsSection

WINDOWS, LEAST_TOKENS = 4, 2048
"""Of a piece, so that little is lost at its end. From 4 % of 5,741 source files, 29.5 million tokens, whole documents
predicted the pairs within 21 %, pieces of this size within 3."""
TOKEN_BYTES = 4
"""Of text, about; what it is for more exactly does not matter."""
ID_BYTES = 8
LEAST_BYTES, FIRST_BYTES = 2**16, 64
"""Of a document whose first T + 1 tokens alone are counted: at least, and for each of these; no text takes so many."""
BLANK = re.compile(r"\s")
SEARCHED = 256
"""Characters within which a blank is looked for, so that no word is cut."""


def byte_lengths(documents: Any) -> NDArray[np.int64]:
    """Say how long each document is: bytes of UTF-8, or of ids at 8 bytes each; 0 where there is none."""
    is_list = pa.types.is_list(documents.type)
    lengths = pc.list_value_length(documents) if is_list else pc.binary_length(documents)
    found: NDArray[np.int64] = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return found * (ID_BYTES if is_list else 1)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of documents.

    Attributes
    ----------
    documents
        What they are cut out of: string or list<int64>.
    rows, numbers, of
        int64 (pieces,): of which document each is, its number there, and how many that has.
    bytes
        float64 (pieces,): about how long it is.
    most_bytes
        Of a document, after which nothing counts; None where all does.
    """

    documents: Any
    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]
    of: NDArray[np.int64]
    bytes: NDArray[np.float64]

    most_bytes: int | None

    @classmethod
    def whole(cls, documents: Any) -> "Pieces":
        """Make each document a piece."""
        return cls._cut(documents, np.ones(len(documents), dtype=np.int64), None)

    @classmethod
    def of_windows(cls, documents: Any, windows: WindowsSection) -> "Pieces":
        """Cut documents into equal pieces of some windows each; where only their first windows count, take these."""
        lengths = byte_lengths(documents)
        token = ID_BYTES if pa.types.is_list(documents.type) else TOKEN_BYTES
        if windows.policy == "first":
            return cls._cut(documents, np.ones_like(lengths), max(LEAST_BYTES, FIRST_BYTES * (windows.length + 1)))
        size = token * max(LEAST_TOKENS, WINDOWS * windows.length)
        return cls._cut(documents, np.maximum(1, -(-lengths // size)), None)

    @classmethod
    def _cut(cls, documents: Any, counts: NDArray[np.int64], most_bytes: int | None) -> "Pieces":
        """Cut each document into so many pieces."""
        rows = np.repeat(np.arange(len(documents)), counts)
        numbers = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        lengths = byte_lengths(documents) / counts
        if most_bytes is not None:
            lengths = np.minimum(lengths, most_bytes)
        return cls(documents, rows, numbers, counts[rows], lengths[rows], most_bytes)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: NDArray[np.int64]) -> pa.RecordBatch:
        """Give some pieces in this order: document, and whether the document goes on after it."""
        rows = self.rows[chosen]
        cut = self.of[chosen] > 1 if self.most_bytes is None else byte_lengths(self.documents)[rows] > self.most_bytes
        documents = self.documents.take(pa.array(rows, mask=cut))  # A long one is not copied for each of its pieces.
        if cut.any():
            parts = dict(self._parts(chosen[cut]))
            documents = _filled(documents, cut, [parts[piece] for piece in chosen[cut].tolist()])
        continues = pa.array(self.numbers[chosen] + 1 < self.of[chosen])
        return pa.RecordBatch.from_arrays([documents, continues], names=["document", "continues"])

    def _parts(self, chosen: NDArray[np.int64]) -> Iterator[tuple[int, Any]]:
        """Cut some pieces out of their documents, each of which is unpacked once."""
        order = chosen[np.argsort(self.rows[chosen], kind="stable")].tolist()
        for row, pieces in groupby(order, lambda piece: int(self.rows[piece])):
            document = self.documents[row].as_py()
            for piece in pieces:
                yield piece, self._part(document, int(self.numbers[piece]), int(self.of[piece]))

    def _part(self, document: Any, number: int, of: int) -> Any:
        """Cut one piece out of a document."""
        if self.most_bytes is not None:
            return document[: self.most_bytes // (1 if isinstance(document, str) else ID_BYTES)]
        return document[_place(document, number, of) : _place(document, number + 1, of)]


def _filled(documents: Any, places: NDArray[np.bool_], parts: list[Any]) -> Any:
    """Put pieces where they belong among other documents."""
    both = pa.concat_arrays([documents, pa.array(parts, documents.type)])
    order = np.arange(len(documents))
    order[places] = len(documents) + np.arange(len(parts))
    return both.take(pa.array(order))


def _place(document: Any, number: int, of: int) -> int:
    """Say where a piece begins: after the blank that follows its share of the document, if there is one near."""
    place = len(document) * number // of
    if not isinstance(document, str) or not 0 < number < of:
        return place
    found = BLANK.search(document, place, place + SEARCHED)
    return found.start() if found else place
