"""Row groups of Parquet files to batches of documents."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.errors import InputError
from leadterm.reading.decompression_limits import HELD, claim_of, longest_text
from leadterm.reading.document_column import ColumnRule, NullTextError, is_list
from leadterm.reading.splits import Split
from leadterm.storage.location import Location
from leadterm.storage.store_errors import require_reached

BATCH_BYTES = 4 * 2**20
MOST_ROWS = 4096
"""Of a batch: about so many bytes, and no more than so many rows, as documents differ in length."""
BUFFER = 2**20
"""Bytes of a column that are read ahead: a row group may be larger than the memory."""


def read_groups(place: Location, splits: Sequence[Split], rule: ColumnRule) -> Iterator[tuple[Any, Split, int]]:
    """Read row groups of a file, opened once: arrays of documents, their split, and the number of the first row.

    Raises
    ------
    InputError
        Names the file that is damaged, or the row with a null among the texts to be joined.
    """
    try:
        with place.open_input() as file:
            parquet = open_parquet(file)
            path = rule.find(parquet.schema_arrow)
            leaves = leaves_of(parquet.metadata.schema, path)
            for split in splits:
                rows = _rows_at_once(file, parquet.metadata, split.start, leaves, looks=place.is_local)
                yield from _read_group(parquet, place, split, path, leaves, rule, rows)
    except (pa.ArrowException, OSError) as error:
        require_reached(place, error)
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"cannot read {place}, which is damaged ({reason}). Repair it or leave it out.") from error


def open_parquet(file: pa.NativeFile) -> pq.ParquetFile:
    """Open a Parquet file; pages are compared with the checksums that their writer left."""
    return pq.ParquetFile(file, page_checksum_verification=True, buffer_size=BUFFER, pre_buffer=False)


def leaves_of(schema: Any, column: tuple[str, ...]) -> list[int]:
    """Number the leaves of a file's schema that a column is made of; none where there is no such column."""
    first, kind = 0, pa.struct(list(schema.to_arrow_schema()))
    for name in column:
        while is_list(kind):
            kind = kind.value_type
        fields = [kind.field(i) for i in range(kind.num_fields)]
        place = next((i for i, field in enumerate(fields) if field.name == name), None)
        if place is None:
            return []
        first += sum(_n_leaves(field.type) for field in fields[:place])
        kind = fields[place].type
    return list(range(first, first + _n_leaves(kind)))


def _n_leaves(kind: Any) -> int:
    """Count the leaves of a type."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if not pa.types.is_nested(kind):
        return 1
    return sum(_n_leaves(kind.field(i).type) for i in range(kind.num_fields))


def _read_group(
    parquet: pq.ParquetFile,
    place: Location,
    split: Split,
    path: tuple[str, ...],
    leaves: Sequence[int],
    rule: ColumnRule,
    rows: int,
) -> Iterator[tuple[Any, Split, int]]:
    """Read one row group, so many rows at a time."""
    done = 0
    names = [parquet.metadata.schema.column(leaf).path for leaf in leaves]
    options = {"row_groups": [split.start], "columns": names, "use_threads": False}
    for batch in parquet.iter_batches(rows, **options):
        some = batch.slice(0, min(len(batch), split.most - done))
        first = split.first_row + done
        try:
            documents = rule.documents(some, path)
        except NullTextError as error:
            raise InputError(
                f"{place}, row {first + error.row:,}: {error}. Correct it or leave the file out."
            ) from error
        yield documents, split, first
        done += len(some)
        if done >= split.most:
            return


def _rows_at_once(file: pa.NativeFile, metadata: Any, group: int, leaves: Sequence[int], *, looks: bool) -> int:
    """Say how many rows of a row group a batch has.

    Parameters
    ----------
    file, metadata
        The file and its footer.
    group, leaves
        The number of the row group, and those of the leaves that are read.
    looks
        Whether headers of pages are looked at: a footer does not tell of texts that are longer than their pages, and
        may lie.
    """
    columns = metadata.row_group(group)
    n_rows, chunks = columns.num_rows, [columns.column(leaf) for leaf in leaves]
    claims = [claim_of(file, chunk) for chunk in chunks] if looks else []
    n_bytes = sum(claim.written for claim in claims) or sum(chunk.total_uncompressed_size for chunk in chunks)
    rows = min(MOST_ROWS, BATCH_BYTES * n_rows // max(1, n_bytes))
    for chunk, claim in zip(chunks, claims, strict=False):
        if claim.repeated > HELD:
            longest = longest_text(file, group, chunk.path_in_schema, claim)
            rows = min(rows, HELD * n_rows // max(1, longest * chunk.num_values))
    return int(max(1, rows))
