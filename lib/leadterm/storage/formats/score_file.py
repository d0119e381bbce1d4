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

from leadterm.counting import ScoreRows, check_rows
from leadterm.errors import InputError, RunError
from leadterm.storage.location import CHUNK, Location
from leadterm.storage.staged.hashing_sink import HashingSink, hashing_output

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


def map_scores(path: str, sha256: str, vocabulary_size: int) -> ScoreRows:
    """Map a local file of scores into memory.

    What it says is looked at once in each process, hash and numbers: kernels write where its columns tell them to.

    Raises
    ------
    RunError
        If it is missing, its bytes are not those that were written, or they are no scores of this many tokens.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise RunError(
            f"{path} cannot be opened on this machine ({error}). Put the run where all machines can reach it, or set "
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
    return _rows(path, vocabulary_size)


def _rows(path: str, vocabulary_size: int) -> ScoreRows:
    """Find the rows of a file that was looked at: where in it their columns and values lie."""
    with pa.memory_map(path) as file:
        mapped = file.read_buffer()
    first_columns, first_values, lengths = np.zeros((3, vocabulary_size), dtype=np.int64)
    for batch in _batches(mapped):
        rows, columns, values = batch.column(0).to_numpy(), batch.column(1), batch.column(2)
        offsets = columns.offsets.to_numpy()
        first_columns[rows] = _place(columns.values, mapped) // 4 + offsets[:-1]
        first_values[rows] = _place(values.values, mapped) // 8 + offsets[:-1]
        lengths[rows] = np.diff(offsets)
    words = np.frombuffer(mapped, np.uint8)[: mapped.size // 8 * 8]
    return ScoreRows(words.view(np.int32), words.view(np.float64), first_columns, first_values, lengths)


def _place(array: pa.Array, mapped: pa.Buffer) -> int:
    """Say at which byte of a mapped file the data of an array begins: a multiple of 8, as the format has it."""
    data = array.buffers()[1]
    return data.address - mapped.address if data.size else 0


def _batches(mapped: pa.Buffer) -> Iterator[pa.RecordBatch]:
    """Give the record batches of a mapped file."""
    reader = pa.ipc.open_file(mapped)
    if not reader.schema.equals(SCHEMA):
        raise pa.ArrowInvalid("its columns are not row, cols and values")
    for number in range(reader.num_record_batches):
        yield reader.get_batch(number)


@lru_cache(maxsize=8)
def _check(path: str, _size: int, _modified: int, vocabulary_size: int) -> None:
    """Look at all numbers of a file once in each process, unless it changes."""
    last = -1
    try:
        with pa.memory_map(path) as file:
            mapped = file.read_buffer()
        for batch in _batches(mapped):
            batch.validate(full=True)
            rows, columns, values = batch.column(0).to_numpy(), batch.column(1), batch.column(2)
            offsets = columns.offsets.to_numpy().astype(np.int64)
            check_rows(rows, offsets, columns.values.to_numpy(), len(values.values), vocabulary_size)
            if not columns.offsets.equals(values.offsets) or any(
                _place(lists.values, mapped) % 8 for lists in (columns, values)
            ):
                raise InputError("Columns and values must have the same offsets; found different ones.")
            if len(rows) and rows[0] <= last:
                raise InputError(f"Rows must ascend; found {rows[0]} after {last}.")
            last = int(rows[-1]) if len(rows) else last
    except (pa.ArrowException, OSError, InputError) as error:
        reason = str(error).rstrip(".")
        message = f"{path} does not hold scores of {vocabulary_size:,} tokens: {reason}. Fetch the run again."
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
