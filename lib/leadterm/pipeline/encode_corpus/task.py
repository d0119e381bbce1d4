"""What the encoding job does inside an executor: documents to windows, and windows to files."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.config import WindowPolicy
from leadterm.corpus import Ragged, Tokenizer, Windows, cut_windows
from leadterm.storage.formats.documents_table import pack


class Tally(IntEnum):
    """What becomes of documents, tokens, windows and positions; a task counts into an int64 vector of these.

    The last three are of a fast engine for tokenizers: what was encoded by the library too, and what only by it.
    """

    DOCUMENTS = 0
    NULL = 1
    EMPTY = 2
    TOO_FEW_CHARACTERS = 3
    TOO_MANY_CHARACTERS = 4
    UNKNOWN_TOKEN = 5
    TOO_FEW_TOKENS = 6
    KEPT = 7
    WINDOWS = 8
    POSITIONS = 9
    REPLACED_SURROGATES = 10
    COMPARED_TEXTS = 11
    COMPARED_TOKENS = 12
    REFUSED_TEXTS = 13


DROPS = tuple(Tally)[Tally.NULL : Tally.KEPT]
"""The reasons for which a document gives no window."""

WINDOW_SCHEMA = pa.schema(
    [("bucket", pa.int32()), ("document", pa.int64()), ("window", pa.int32()), ("tokens", pa.binary())]
)
"""Windows on their way to their file. A tally travels among them, so that a retried task counts once: window -1. So
does each document, packed as `leadterm.storage.formats.documents_table` says: window -2."""
TALLY_WINDOW, DOCUMENT_WINDOW = -1, -2


@dataclass(frozen=True)
class Encoding:
    """How documents become windows; travels to the executors.

    Attributes
    ----------
    tokenizer
        None where the documents are ids already.
    vocabulary_size
        V.
    length, policy
        Of the windows.
    files
        Number of files (buckets) that windows are spread over.
    min_characters, max_characters
        Limits of an eligible text.
    """

    tokenizer: Tokenizer | None
    vocabulary_size: int
    length: int
    policy: WindowPolicy
    files: int
    min_characters: int = 0
    max_characters: int = 2**63 - 1

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Encode batches of documents (document, source, row, replaced) into batches of windows, then one tally."""
        tally = np.zeros(len(Tally), dtype=np.int64)
        for batch in batches:
            tally[Tally.REPLACED_SURROGATES] += pc.sum(batch.column(3)).as_py() or 0
            documents, origin = self._encode(batch.column(0), tally)
            windows = cut_windows(documents, self.length, self.policy)
            tally[Tally.TOO_FEW_TOKENS] += windows.too_short.sum()
            tally[Tally.KEPT] += (~windows.too_short).sum()
            tally[Tally.WINDOWS] += len(windows)
            tally[Tally.POSITIONS] += windows.n_positions
            hashes = content_hashes(documents)
            yield _windows_batch(windows, hashes[windows.document], self.files)
            yield _documents_batch(batch.take(pa.array(origin)), documents, hashes, windows, self.files)
        yield _tally_batch(tally)

    def _encode(self, found: Any, tally: NDArray[np.int64]) -> tuple[Ragged, NDArray[np.int64]]:
        """Turn the eligible documents of a batch into token ids, and tally the others; say in which row each stands."""
        tally[Tally.DOCUMENTS] += len(found)
        tally[Tally.NULL] += found.null_count
        origin = np.flatnonzero(pc.is_valid(found).to_numpy(zero_copy_only=False))
        found = found.filter(pc.is_valid(found))
        if self.tokenizer is None:
            documents = Ragged.from_arrow(found)
            tally[Tally.EMPTY] += (documents.lengths == 0).sum()
            return _only(documents, documents.lengths > 0), origin[documents.lengths > 0]
        eligible = self._eligible(found, tally)
        encoded = self.tokenizer.encode(found.filter(pa.array(eligible)).to_pylist())
        tally[Tally.UNKNOWN_TOKEN] += (~encoded.kept).sum()
        tally[Tally.COMPARED_TEXTS : Tally.REFUSED_TEXTS + 1] += encoded.checked
        kept = encoded.tokens if encoded.kept.all() else _only(encoded.tokens, encoded.kept)
        return kept, origin[eligible][encoded.kept]

    def _eligible(self, found: Any, tally: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which texts are within the limits."""
        lengths = pc.utf8_length(found).to_numpy(zero_copy_only=False)
        tally[Tally.EMPTY] += (lengths == 0).sum()
        tally[Tally.TOO_FEW_CHARACTERS] += ((lengths > 0) & (lengths < self.min_characters)).sum()
        tally[Tally.TOO_MANY_CHARACTERS] += (lengths > self.max_characters).sum()
        return are_eligible(lengths, self.min_characters, self.max_characters)


def are_eligible(lengths: NDArray[np.int64], min_characters: int, max_characters: int) -> NDArray[np.bool_]:
    """Say of each text whether there is one and its length is within the limits."""
    eligible: NDArray[np.bool_] = (lengths >= max(1, min_characters)) & (lengths <= max_characters)
    return eligible


def eligible_texts(found: Any, min_characters: int, max_characters: int) -> list[str]:
    """Take the texts that are there and whose lengths are within the limits; no other comes out of Arrow."""
    lengths = pc.fill_null(pc.utf8_length(found), 0).to_numpy(zero_copy_only=False)
    texts: list[str] = found.filter(pa.array(are_eligible(lengths, min_characters, max_characters))).to_pylist()
    return texts


def content_hashes(documents: Ragged) -> NDArray[np.int64]:
    """Hash each document's token ids: the first 8 bytes of BLAKE2b, so that equal documents are equal anywhere."""
    data = documents.values.astype("<i4", copy=False).tobytes()
    digests = (
        hashlib.blake2b(data[4 * a : 4 * b], digest_size=8).digest() for a, b in pairwise(documents.offsets.tolist())
    )
    return np.frombuffer(b"".join(digests), dtype="<i8").astype(np.int64)


def _only(lists: Ragged, kept: NDArray[np.bool_]) -> Ragged:
    """Keep some of the lists."""
    lengths = lists.lengths
    values = lists.values[np.repeat(kept, lengths)]
    return Ragged(values, np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths[kept])]))


def _buckets(hashes: NDArray[np.int64], files: int) -> NDArray[np.int32]:
    """Say in which file a document lies."""
    return (hashes.view(np.uint64) % np.uint64(files)).astype(np.int32)


def _documents_batch(
    batch: pa.RecordBatch, documents: Ragged, hashes: NDArray[np.int64], windows: Windows, files: int
) -> pa.RecordBatch:
    """Lay the documents that gave windows out for the shuffle."""
    kept = ~windows.too_short
    counts = np.bincount(windows.document, minlength=len(documents))[kept]
    batch, hashes = batch.filter(pa.array(kept)), hashes[kept]
    packed = pack(batch.column(1), batch.column(2), documents.lengths[kept], counts)
    window = pa.array(np.full(len(hashes), DOCUMENT_WINDOW, dtype=np.int32))
    columns = [pa.array(_buckets(hashes, files)), pa.array(hashes), window, packed]
    return pa.RecordBatch.from_arrays(columns, schema=WINDOW_SCHEMA)


def _windows_batch(windows: Windows, documents: NDArray[np.int64], files: int) -> pa.RecordBatch:
    """Lay windows out for the shuffle, each with the file that its document's hash names."""
    buckets = _buckets(documents, files)
    ends = (windows.tokens.offsets * 4).astype(np.int64)
    data = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(),
        len(windows),
        [None, pa.py_buffer(ends), pa.py_buffer(windows.tokens.values.astype("<i4", copy=False))],
    )
    columns = [pa.array(buckets), pa.array(documents), pa.array(windows.window), data.cast(pa.binary())]
    return pa.RecordBatch.from_arrays(columns, names=["bucket", "document", "window", "tokens"])


def _tally_batch(tally: NDArray[np.int64]) -> pa.RecordBatch:
    """Lay a tally out as a row for the shuffle."""
    row = {"bucket": 0, "document": 0, "window": TALLY_WINDOW, "tokens": tally.astype("<i8").tobytes()}
    return pa.RecordBatch.from_pylist([row], schema=WINDOW_SCHEMA)
