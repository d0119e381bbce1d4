"""What the encoding job does after its shuffle: the sorted windows of one bucket become one file, with a report."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.pipeline.encode_corpus.task import DOCUMENT_WINDOW, TALLY_WINDOW, Tally
from leadterm.storage.formats.documents_table import DocumentsWriter, documents_file, unpack
from leadterm.storage.formats.parquet_io import GroupedWriter
from leadterm.storage.formats.windows_files import SCHEMA, windows_file
from leadterm.storage.location import Location
from leadterm.storage.manifest import FileEntry
from leadterm.storage.read_products import PARTS
from leadterm.storage.staged.hashing_sink import HashingSink

REPORT_ROW = pa.schema(
    [
        *((name, pa.string()) for name in ("name", "place")),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("groups", pa.list_(pa.int64())),
        ("tail_bytes", pa.int64()),
        ("tail_sha256", pa.string()),
        *((name, pa.int64()) for name in ("windows", "tokens", "documents")),
        *((name, pa.binary()) for name in ("tally", "counts")),
    ]
)
"""What a task says of a file that it wrote: one of windows, whose report comes in any case, or one of documents.

``counts``: how often each token occurs in it, int64 (V,); empty of documents."""
WINDOWS_FILE, DOCUMENTS_FILE = "windows-{:05d}.parquet", "documents-{:05d}.parquet"


@dataclass(frozen=True)
class WindowsWriter:
    """Writes the windows of a task's bucket; travels to the executors.

    Attributes
    ----------
    folder
        URL of the staging folder.
    vocabulary_size
        V.
    """

    folder: str
    vocabulary_size: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write one file from batches (bucket, document, window, tokens) in order; give its report."""
        tally = np.zeros(len(Tally), dtype=np.int64)
        counts = np.zeros(self.vocabulary_size, dtype=np.int64)
        n_windows, bucket = 0, -1
        parts = Location.of(self.folder) / PARTS
        place, beside = parts / uuid.uuid4().hex, parts / uuid.uuid4().hex
        with windows_file(place) as (file, sink), documents_file(beside) as (documents, noted):
            for batch in batches:
                for row in batch.filter(pc.equal(batch.column(2), TALLY_WINDOW)).column(3).to_pylist():
                    tally += np.frombuffer(row, dtype="<i8")
                some = batch.filter(pc.equal(batch.column(2), DOCUMENT_WINDOW))
                documents.append(unpack(some.column(1), some.column(3)))
                windows = batch.filter(pc.greater_equal(batch.column(2), 0))
                if len(windows):
                    bucket = windows.column(0)[0].as_py()
                    tokens = token_lists(windows.column(3))
                    count_tokens(counts, tokens, windows.column(2).to_numpy())
                    file.append(pa.table([windows.column(1), windows.column(2), tokens], schema=SCHEMA))
                    n_windows += len(windows)
        if n_windows == 0:
            place.remove()
            beside.remove()
        name = WINDOWS_FILE.format(bucket) if n_windows else None
        yield file_report(name, place, file, sink, n_windows, counts, tally)
        if n_windows:
            yield documents_report(DOCUMENTS_FILE.format(bucket), beside, documents, noted)


def file_report(
    name: str | None,
    place: Location,
    file: GroupedWriter,
    sink: HashingSink,
    n_windows: int,
    counts: NDArray[np.int64],
    tally: NDArray[np.int64] | None = None,
) -> pa.RecordBatch:
    """Say what a task wrote, as :data:`REPORT_ROW` has it."""
    row = {
        "name": name,
        "place": place.uri if n_windows else None,
        "bytes": sink.n_bytes,
        "sha256": sink.sha256,
        "groups": file.group_entries,
        "tail_bytes": file.details["tail_bytes"],
        "tail_sha256": file.details["tail_sha256"],
        "windows": n_windows,
        "tokens": sum(file.group_entries),
        "documents": 0,
        "tally": b"" if tally is None else tally.tobytes(),
        "counts": counts.tobytes(),
    }
    return pa.RecordBatch.from_pylist([row], schema=REPORT_ROW)


def documents_report(name: str, place: Location, file: DocumentsWriter, sink: HashingSink) -> pa.RecordBatch:
    """Say what a task wrote of documents, as :data:`REPORT_ROW` has it."""
    row = {"name": name, "place": place.uri, "bytes": sink.n_bytes, "sha256": sink.sha256, "groups": []}
    row |= {"windows": 0, "tokens": 0, "documents": file.n_documents, "tally": b"", "counts": b""}
    return pa.RecordBatch.from_pylist([row], schema=REPORT_ROW)


def is_documents(name: str) -> bool:
    """Say whether a file is one of documents, by its name."""
    return name.startswith(DOCUMENTS_FILE.partition("{")[0])


def written_files(
    reports: pa.Table, *, of_documents: bool = False
) -> tuple[tuple[FileEntry, ...], list[tuple[Location, str]]]:
    """Take the files of a product from the reports: as the manifest lists them, and where they lie now."""
    rows = [
        row for row in reports.sort_by("name").to_pylist() if row["name"] and is_documents(row["name"]) == of_documents
    ]
    entries = [
        FileEntry(row["name"], row["bytes"], row["sha256"], {} if of_documents else _details(row)) for row in rows
    ]
    return tuple(entries), [(Location.of(row["place"]), row["name"]) for row in rows]


def _details(row: dict[str, Any]) -> dict[str, Any]:
    """Take what the manifest keeps of a file from its report; see `GroupedWriter.details`."""
    return {"row_group_tokens": row["groups"]} | {key: row[key] for key in ("tail_bytes", "tail_sha256")}


def sum_vectors(cells: pa.ChunkedArray) -> NDArray[np.int64]:
    """Add int64 vectors that travelled as bytes, where there is one."""
    first, *others = (np.frombuffer(cell, dtype="<i8") for cell in cells.to_pylist() if cell)
    total: NDArray[np.int64] = np.sum([first, *others], axis=0, dtype=np.int64)
    return total


def token_lists(cells: Any) -> Any:
    """See the little-endian bytes of each window as a list of int32, without a copy of the ids."""
    cells = cells.cast(pa.binary())  # A session may ask for the large type (arrow.useLargeVarTypes).
    offsets = np.frombuffer(cells.buffers()[1], dtype=np.int32)[cells.offset : cells.offset + len(cells) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    n_ids = (last - first) // 4
    ids = np.frombuffer(cells.buffers()[2], "<i4", n_ids, first) if n_ids else np.empty(0, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array((offsets - first) // 4, pa.int32()), pa.array(ids, pa.int32()))


def count_tokens(counts: NDArray[np.int64], tokens: Any, window: NDArray[np.int32]) -> None:
    """Add up how often tokens occur; the token that a window shares with the one before it counts once."""
    ids = tokens.values.to_numpy()
    counts += np.bincount(ids, minlength=len(counts))
    shared = tokens.offsets.to_numpy()[:-1][window > 0]
    counts -= np.bincount(ids[shared], minlength=len(counts))
