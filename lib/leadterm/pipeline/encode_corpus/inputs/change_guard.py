"""Whether the input files are still those that were looked at: a file that was replaced meanwhile is refused."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pyarrow as pa
from pyspark.sql import SparkSession

from leadterm.errors import InputError, UnknownFilesystemError
from leadterm.pipeline.encode_corpus.inputs.spark_files import list_through_spark
from leadterm.spark.translate_errors import file_name
from leadterm.storage.location import Location, Stamp

THREADS = 16
"""Files that are looked at together: on an object store each takes a request."""


def stamps_of(session: SparkSession, files: Sequence[str]) -> dict[str, Stamp]:
    """Look at the length and time of change of files, by their URLs."""
    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(zip(files, pool.map(_stamp, files), strict=True))
    unopened = [file for file, stamp in found.items() if stamp is None]
    elsewhere = list_through_spark(session, unopened) if unopened else {}
    return {file: stamp or elsewhere.get(file, (0, 0)) for file, stamp in found.items()}


def _stamp(file: str) -> Stamp | None:
    """Look at one file; None where only Spark opens it."""
    try:
        return Location.of(file).stamp()
    except UnknownFilesystemError:
        return None


@contextmanager
def unchanged(session: SparkSession, sources: pa.Table, before: Mapping[str, Stamp]) -> Iterator[None]:
    """Refuse files that changed before the end of the block, whatever came of it.

    A file is hashed again only if its length or time of change is another one: a copy of the same bytes is the same.

    Parameters
    ----------
    session
        Spark.
    sources
        Path and SHA-256 of each file, as they were looked at.
    before
        Their stamps, taken before that.

    Raises
    ------
    InputError
        Names the files.
    """
    hashes = dict(zip(sources["path"].to_pylist(), sources["sha256"].to_pylist(), strict=True))
    try:
        yield
    except Exception:
        _refuse_changed(session, hashes, before)
        raise
    _refuse_changed(session, hashes, before)


def _refuse_changed(session: SparkSession, hashes: Mapping[str, str | None], before: Mapping[str, Stamp]) -> None:
    """Raise an error that names the files that changed, if there are any."""
    now = stamps_of(session, list(before))
    others = [file for file, stamp in before.items() if now[file] != stamp]
    changed = [file for file in others if now[file] == (0, 0) or not _has_hash(file, hashes[file])]
    if changed:
        more = f", and {len(changed) - 1} more files," if len(changed) > 1 else ""
        raise InputError(
            f"{file_name(changed[0])}{more} changed while it was read: its bytes are no longer those that were "
            "hashed. Run again when nothing is writing to the corpus."
        )


def _has_hash(file: str, sha256: str | None) -> bool:
    """Hash a file again."""
    return sha256 is not None and Location.of(file).sha256() == sha256
