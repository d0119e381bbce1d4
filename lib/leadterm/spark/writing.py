"""What the encoding job does after its shuffle: the sorted windows of one bucket become one file, with a report."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadterm.spark.encoding import TALLY_WINDOW, Tally
from leadterm.store.location import Location
from leadterm.store.manifest import FileEntry
from leadterm.store.outputs import HashingSink
from leadterm.store.parquet import GroupedWriter
from leadterm.store.products import PARTS
from leadterm.store.windows import SCHEMA, windows_file

REPORT = (
    "name string, place string, bytes long, sha256 string, groups array<long>, tail_bytes long, tail_sha256 string, "
    "windows long, tokens long, tally binary, counts binary"
)
"""What a task says of the file it wrote, if it wrote one; ``counts``: how often each token occurs in it, int64 (V,)."""

REPORT_ROW = pa.schema(
    [
        *((name, pa.string()) for name in ("name", "place")),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("groups", pa.list_(pa.int64())),
        ("tail_bytes", pa.int64()),
        ("tail_sha256", pa.string()),
        *((name, pa.int64()) for name in ("windows", "tokens")),
        *((name, pa.binary()) for name in ("tally", "counts")),
    ]
)
"""The same, in Arrow's types."""


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
        place = Location.of(self.folder) / PARTS / uuid.uuid4().hex
        with windows_file(place) as (file, sink):
            for batch in batches:
                is_window = pc.not_equal(batch.column(2), TALLY_WINDOW)
                for row in batch.filter(pc.invert(is_window)).column(3).to_pylist():
                    tally += np.frombuffer(row, dtype="<i8")
                windows = batch.filter(is_window)
                if len(windows):
                    bucket = windows.column(0)[0].as_py()
                    tokens = token_lists(windows.column(3))
                    count_tokens(counts, tokens, windows.column(2).to_numpy())
                    file.append(pa.table([windows.column(1), windows.column(2), tokens], schema=SCHEMA))
                    n_windows += len(windows)
        if n_windows == 0:
            place.remove()
        name = f"windows-{bucket:05d}.parquet" if n_windows else None
        yield file_report(name, place, file, sink, n_windows, counts, tally)


def file_report(
    name: str | None,
    place: Location,
    file: GroupedWriter,
    sink: HashingSink,
    n_windows: int,
    counts: NDArray[np.int64],
    tally: NDArray[np.int64] | None = None,
) -> pa.RecordBatch:
    """Say what a task wrote, as :data:`REPORT` has it."""
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
        "tally": b"" if tally is None else tally.tobytes(),
        "counts": counts.tobytes(),
    }
    return pa.RecordBatch.from_pylist([row])


def written_files(reports: pa.Table) -> tuple[tuple[FileEntry, ...], list[tuple[Location, str]]]:
    """Take the files of the product from the reports: as the manifest lists them, and where they lie now."""
    rows = [row for row in reports.sort_by("name").to_pylist() if row["name"]]
    entries = [FileEntry(row["name"], row["bytes"], row["sha256"], _details(row)) for row in rows]
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
