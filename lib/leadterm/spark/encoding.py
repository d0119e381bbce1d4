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
from leadterm.corpus import Ragged, Tokenizer, Windows, check_ids, cut_windows
from leadterm.errors import InputError
from leadterm.spark.failures import file_name


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
SHOWN = 80
"""Characters of a bad line that a message shows."""


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
        refuse_corrupt(batch)
        tally[Tally.DOCUMENTS] += len(batch)
        tally[Tally.NULL] += batch.column(0).null_count
        batch = batch.filter(pc.is_valid(batch.column(0)))
        if self.tokenizer is None:
            return self._check_ids(batch, tally)
        texts = self._eligible(texts_of(batch), tally)
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

    def _check_ids(self, batch: pa.RecordBatch, tally: NDArray[np.int64]) -> Ragged:
        """Take lists of ids that are there already; an id outside the vocabulary is an error."""
        try:
            documents = self._ids(batch.column(0))
        except InputError:
            for row in range(len(batch)):
                self._refuse_ids(batch.slice(row, 1))
            raise
        tally[Tally.EMPTY] += (documents.lengths == 0).sum()
        return _only(documents, documents.lengths > 0)

    def _ids(self, lists: Any) -> Ragged:
        """See lists of ids as they are laid out here, all of them within the vocabulary."""
        documents = Ragged.from_arrow(lists)
        check_ids(documents, self.vocabulary_size)
        return documents

    def _refuse_ids(self, row: pa.RecordBatch) -> None:
        """Raise an error that names the file and shows the list, if its ids are wrong."""
        try:
            self._ids(row.column(0))
        except InputError as error:
            shown = str(row.column(0)[0].as_py())
            raise InputError(f"{_file(row)} holds a bad list of ids, {_short(shown)}. {error}") from error


def refuse_corrupt(batch: pa.RecordBatch) -> None:
    """Check that no line of a batch (document, corrupt, path) was unreadable.

    Raises
    ------
    InputError
        Names the file, and shows the line.
    """
    bad = batch.filter(pc.is_valid(batch.column(1)))
    if len(bad):
        raise InputError(
            f"{_file(bad)} holds a line that is not JSON, or whose value has another type: "
            f"{_short(bad.column(1)[0].as_py())!r}. Correct the line or leave the file out."
        )


def texts_of(batch: pa.RecordBatch) -> list[str]:
    """Take the texts of a batch (document, corrupt, path); null stays null.

    Raises
    ------
    InputError
        Names the file with a text that is not UTF-8.
    """
    try:
        texts: list[str] = batch.column(0).to_pylist()
    except UnicodeDecodeError:
        for row in range(len(batch)):
            try:
                batch.column(0)[row].as_py()
            except UnicodeDecodeError as error:
                name = _file(batch.slice(row, 1))
                raise InputError(
                    f"{name} holds a text that is not UTF-8 ({error}). Convert it or leave it out."
                ) from error
        raise
    return texts


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


def _file(batch: pa.RecordBatch) -> str:
    """Name the file of a batch's first row."""
    return file_name(batch.column(2)[0].as_py())


def _short(text: str) -> str:
    """Show the beginning of a text."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


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
