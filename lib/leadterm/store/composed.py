"""The scores of pairs on disk: an Arrow file that executors map into memory, and the margins of the score matrix.

The file is uncompressed, so that all workers of a machine share one copy of its pages. Any Arrow reader opens it:
``row int32, cols list<int32>, values list<double>``, rows and columns ascending; rows without a pair are not there.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.counting import check_rows
from leadterm.errors import InputError, RunError
from leadterm.store.location import CHUNK, HashingSink, Location, hashing_output

SCORES = "scores.arrow"
BATCH_ENTRIES = 2**22
"""Scores of one record batch: 48 MB."""
SCHEMA = pa.schema(
    [
        pa.field("row", pa.int32(), nullable=False),
        pa.field("cols", pa.list_(pa.int32()), nullable=False),
        pa.field("values", pa.list_(pa.float64()), nullable=False),
    ],
    metadata={"leadterm.matrix": "composed", "leadterm.axes": "NEXT x CONTEXT"},
)
Piece = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]
"""Some rows: row numbers, offsets, columns, values."""


def write_scores(
    place: Location, offsets: NDArray[np.int64], columns: NDArray[np.int32], scores: NDArray[np.float64]
) -> HashingSink:
    """Write a sparse matrix, a record batch at a time; the file is whole, or absent if this raises.

    Parameters
    ----------
    place
        Where to.
    offsets
        int64 (V + 1,): row r holds the entries ``offsets[r]:offsets[r + 1]``.
    columns, scores
        int32 and float64 (entries,).

    Returns
    -------
    HashingSink
        Knows the file's length and hash.
    """
    rows = np.flatnonzero(np.diff(offsets))
    with hashing_output(place) as sink, pa.ipc.new_file(pa.PythonFile(sink, mode="w"), SCHEMA) as writer:
        done = 0
        while done < len(rows):
            limit = np.searchsorted(offsets[rows + 1], offsets[rows[done]] + BATCH_ENTRIES, side="right")
            some = rows[done : max(int(limit), done + 1)]
            first, last = offsets[some[0]], offsets[some[-1] + 1]
            ends = pa.array(np.concatenate([offsets[some], [last]]) - first, pa.int32())
            lists = [pa.ListArray.from_arrays(ends, pa.array(part[first:last])) for part in (columns, scores)]
            writer.write_batch(pa.record_batch([pa.array(some.astype(np.int32)), *lists], schema=SCHEMA))
            done += len(some)
    return sink


def map_scores(path: str, sha256: str, vocabulary_size: int) -> Iterator[Piece]:
    """Give the rows of a local file of scores, mapped into memory, in the order of row numbers.

    What it says is looked at once in each process, hash and numbers: kernels write where its columns tell them to.

    Raises
    ------
    RunError
        If it is missing, its bytes are not those that were written, or they are no scores of so many tokens.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise RunError(
            f"{path} cannot be opened on this machine ({error}). Put the run where all machines see it, or set "
            "attention.distribution to spark."
        ) from error
    known = (path, status.st_size, status.st_mtime_ns)
    found = _hash(*known)
    if found != sha256:
        raise RunError(
            f"{path} is damaged: its SHA-256 is {found[:16]}…, the manifest says {sha256[:16]}…. "
            "Run the job compose_weights again."
        )
    _check(*known, vocabulary_size)
    yield from _pieces(path)


def _pieces(path: str, *, validated: bool = False) -> Iterator[Piece]:
    """Give what a file says; ``validated``: after a look at whether its lists lie inside of it."""
    with pa.memory_map(path) as file:
        reader = pa.ipc.open_file(file)
        if not reader.schema.equals(SCHEMA):
            raise pa.ArrowInvalid("its columns are not row, cols and values")
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            if validated:
                batch.validate(full=True)
            columns, values = batch.column(1), batch.column(2)
            offsets = columns.offsets.to_numpy().astype(np.int64)
            yield batch.column(0).to_numpy(), offsets, columns.values.to_numpy(), values.values.to_numpy()


@lru_cache(maxsize=8)
def _check(path: str, _size: int, _modified: int, vocabulary_size: int) -> None:
    """Look at all numbers of a file once in each process, unless it changes."""
    last = -1
    try:
        for rows, offsets, columns, values in _pieces(path, validated=True):
            check_rows(rows, offsets, columns, len(values), vocabulary_size)
            if len(rows) and rows[0] <= last:
                raise InputError(f"Rows must ascend; found {rows[0]} after {last}.")
            last = int(rows[-1]) if len(rows) else last
    except (pa.ArrowException, OSError, InputError) as error:
        reason = str(error).rstrip(".")
        message = f"{path} holds no scores of {vocabulary_size:,} tokens: {reason}. Fetch the run again."
        raise RunError(message) from error


@lru_cache(maxsize=8)
def _hash(path: str, _size: int, _modified: int) -> str:
    """Hash a file once in each process, unless it changes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def margins_table(kept: NDArray[np.bool_], without_row: NDArray[np.float64], spread: NDArray[np.float64]) -> pa.Table:
    """Lay out the margins: token_id int32, kept bool, without_row double, spread double.

    ``spread`` is the largest less the smallest score that a context token may have before this next token.
    """
    ids = np.arange(len(kept), dtype=np.int32)
    return pa.table({"token_id": ids, "kept": kept, "without_row": without_row, "spread": spread})
