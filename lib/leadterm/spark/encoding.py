"""What the encoding job does inside an executor: documents to windows, and windows to files."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.config import WindowPolicy
from leadterm.corpus import Ragged, Tokenizer, Windows, check_ids, cut_windows
from leadterm.errors import InputError


class Tally(IntEnum):
    """What becomes of documents, tokens, windows and positions; a task counts into an int64 vector of these."""

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


DROPS = tuple(Tally)[Tally.NULL : Tally.KEPT]
"""The reasons for which a document gives no window."""

WINDOW_SCHEMA = "bucket int, document long, window int, tokens binary"
"""Windows on their way to their file. A tally travels among them, so that a retried task counts once: window -1."""
TALLY_WINDOW = -1


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
        """Encode batches of documents (document, corrupt, path) into batches of windows, then one tally."""
        tally = np.zeros(len(Tally), dtype=np.int64)
        for batch in batches:
            documents = self._encode(batch, tally)
            windows = cut_windows(documents, self.length, self.policy)
            tally[Tally.TOO_FEW_TOKENS] += windows.too_short.sum()
            tally[Tally.KEPT] += (~windows.too_short).sum()
            tally[Tally.WINDOWS] += len(windows)
            tally[Tally.POSITIONS] += windows.n_positions
            yield _windows_batch(windows, content_hashes(documents)[windows.document], self.files)
        yield _tally_batch(tally)

    def _encode(self, batch: pa.RecordBatch, tally: NDArray[np.int64]) -> Ragged:
        """Turn the eligible documents of a batch into token ids, and tally the others."""
        corrupt = batch.column(1).drop_null()
        if len(corrupt):
            raise InputError(f"{_files(batch.column(2))} holds a line that is not JSON: {corrupt[0].as_py()[:80]!r}")
        tally[Tally.DOCUMENTS] += len(batch)
        tally[Tally.NULL] += batch.column(0).null_count
        documents = batch.column(0).drop_null()
        if self.tokenizer is None:
            return self._check_ids(documents, batch.column(2), tally)
        texts = self._eligible(documents.to_pylist(), tally)
        encoded = self.tokenizer.encode(texts)
        tally[Tally.UNKNOWN_TOKEN] += (~encoded.kept).sum()
        return encoded.tokens if encoded.kept.all() else _only(encoded.tokens, encoded.kept)

    def _eligible(self, texts: list[str], tally: NDArray[np.int64]) -> list[str]:
        """Keep the texts within the limits."""
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        tally[Tally.EMPTY] += (lengths == 0).sum()
        tally[Tally.TOO_FEW_CHARACTERS] += ((lengths > 0) & (lengths < self.min_characters)).sum()
        tally[Tally.TOO_MANY_CHARACTERS] += (lengths > self.max_characters).sum()
        return [text for text in texts if is_eligible(text, self.min_characters, self.max_characters)]

    def _check_ids(self, lists: Any, paths: Any, tally: NDArray[np.int64]) -> Ragged:
        """Take lists of ids that are there already; an id outside the vocabulary is an error."""
        try:
            documents = Ragged.from_arrow(lists)
            check_ids(documents, self.vocabulary_size)
        except InputError as error:
            raise InputError(f"in {_files(paths)}: {error}") from error
        tally[Tally.EMPTY] += (documents.lengths == 0).sum()
        return _only(documents, documents.lengths > 0)


def is_eligible(text: str | None, min_characters: int, max_characters: int) -> bool:
    """Say whether a document is there and its length within the limits."""
    return bool(text) and min_characters <= len(text or "") <= max_characters


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


def _files(paths: Any) -> str:
    """Name the files that a batch comes from."""
    return ", ".join(sorted(set(paths.to_pylist()))[:3])


def _windows_batch(windows: Windows, documents: NDArray[np.int64], files: int) -> pa.RecordBatch:
    """Lay windows out for the shuffle, each with the file that its document's hash names."""
    buckets = (documents.view(np.uint64) % np.uint64(files)).astype(np.int32)
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
    schema = pa.schema(
        [("bucket", pa.int32()), ("document", pa.int64()), ("window", pa.int32()), ("tokens", pa.binary())]
    )
    return pa.RecordBatch.from_pylist([row], schema=schema)
