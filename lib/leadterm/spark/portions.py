"""Encodes a large corpus a portion of its files after the other: a job that is stopped loses one portion at most.

Spark's shuffle is lost with the driver. So each portion's windows go, sorted, to files of its own, one for each bucket,
and a report beside them says that the portion is finished. In the end the files of a bucket are merged to one, which
has the bytes that it would have if all had been encoded together.
"""

import io
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from leadterm.spark.dealing import deal, run_tasks
from leadterm.spark.documents import Documents
from leadterm.spark.writing import REPORT_ROW, file_report, sum_vectors
from leadterm.store.location import Location, part_output
from leadterm.store.parquet import table_bytes
from leadterm.store.products import PARTS
from leadterm.store.sorted_windows import merge_windows
from leadterm.store.windows import windows_file

PORTION_BYTES = 2**30
"""Of input files, as they lie on the disk; a larger file is a portion of its own. A corpus of one portion is encoded
at once, without this: to merge, all windows are written and read once more."""
PORTIONS = 32
"""Of a larger corpus, portions grow, so that their number stays below 2 · 32 + 2: merging holds a row group of each."""
PREFIX = "portion-"
"""How the names of reports begin."""

logger = logging.getLogger("leadterm")
Encode = Callable[[DataFrame, str], pa.Table]
"""Encodes documents, under a description, and gives a report of each file."""


def encode_portions(
    session: SparkSession, documents: Documents, portions: Sequence[Sequence[str]], folder: Location, encode: Encode
) -> pa.Table:
    """Encode what was not encoded before, and merge.

    Parameters
    ----------
    session
        Spark.
    documents
        The corpus.
    portions
        Its files, divided.
    folder
        The staging folder.
    encode
        Writes the windows of some documents into it.

    Returns
    -------
    pyarrow.Table
        A report of each file, as if all had been encoded together.
    """
    parts = folder / PARTS
    # Numbered, because portions may hold the same.
    places = [parts / f"{PREFIX}{number}-{documents.digest(files)}" for number, files in enumerate(portions)]
    found = {place.name: report for place in places if (report := _finished(place)) is not None}
    _drop_others(parts, found)
    if found:
        logger.info("encode documents: %d of %d portions were encoded before", len(found), len(portions))
    try:
        for number, (files, place) in enumerate(zip(portions, places, strict=True), 1):
            if place.name not in found:
                what = f"encode documents, portion {number} of {len(portions)}"
                with documents.unchanged(files):
                    report = encode(documents.only(files), what)
                with part_output(place) as stream:
                    stream.write(table_bytes(report))
                found[place.name] = report
    finally:
        _drop_others(parts, found)
    return _merge(session, pa.concat_tables(found.values()), folder)


def _finished(place: Location) -> pa.Table | None:
    """Read the report of a portion whose files are as they were; None if it is not finished."""
    try:
        report = pq.read_table(io.BytesIO(place.read_bytes()))
        for row in report.to_pylist():
            if row["name"] is not None and Location.of(row["place"]).sha256() != row["sha256"]:
                return None
    except (OSError, ValueError, KeyError):
        return None
    return report


def _drop_others(parts: Location, found: dict[str, pa.Table]) -> None:
    """Remove what belongs to no finished portion."""
    kept = {place.rpartition("/")[2] for report in found.values() for place in report["place"].to_pylist()}
    for name in parts.names():
        if name not in kept | found.keys():
            (parts / name).remove()


def _merge(session: SparkSession, reports: pa.Table, folder: Location) -> pa.Table:
    """Merge the files of each bucket; the tallies and counts of all portions come with the first report."""
    rows = [row for row in reports.to_pylist() if row["name"] is not None]
    if not rows:
        return reports
    names, places = ([row[key] for row in rows] for key in ("name", "place"))
    files = pa.RecordBatch.from_pydict({"name": names, "place": places})
    dealt = deal(files, np.unique(names, return_inverse=True)[1])
    merged = run_tasks(session, "merge portions", dealt, WindowsMerger(folder.uri), REPORT_ROW)
    for name in ("tally", "counts"):
        total = sum_vectors(reports[name]).tobytes()
        column = pa.array([total, *[b""] * (len(merged) - 1)], pa.binary())
        merged = merged.set_column(merged.schema.get_field_index(name), name, column)
    return merged


@dataclass(frozen=True)
class WindowsMerger:
    """Merges the files of a bucket; travels to the executors.

    Attributes
    ----------
    folder
        URL of the staging folder.
    """

    folder: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Merge the files named in the batches; give a report of each bucket."""
        rows = [row for batch in batches for row in batch.to_pylist()]
        for name in sorted({row["name"] for row in rows}):
            yield self._merge(name, [row["place"] for row in rows if row["name"] == name])

    def _merge(self, name: str, places: Sequence[str]) -> pa.RecordBatch:
        """Write the file of one bucket; its tokens were counted before."""
        place, n_windows = Location.of(self.folder) / PARTS / uuid.uuid4().hex, 0
        with windows_file(place) as (file, sink):
            for windows in merge_windows([_tables(Location.of(one)) for one in places]):
                file.append(windows)
                n_windows += len(windows)
        return file_report(name, place, file, sink, n_windows, np.zeros(0, dtype=np.int64))


def _tables(place: Location) -> Iterator[pa.Table]:
    """Read a file a row group at a time."""
    with pq.ParquetFile(place.filesystem.open_input_file(place.path), page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def divide(documents: Documents, n_bytes: int) -> list[list[str]]:
    """Divide the files of a corpus, in order, into portions of so many bytes or more; one, if it is read in part."""
    portions: list[list[str]] = [[]]
    sizes, filled = documents.sources["bytes"].to_pylist(), 0
    most = max(n_bytes, sum(sizes) // PORTIONS)
    for file, size in zip(documents.sources["path"].to_pylist(), sizes, strict=True):
        if portions[-1] and filled + size > most and not documents.is_limited:
            portions.append([])
            filled = 0
        portions[-1].append(file)
        filled += size
    return portions
