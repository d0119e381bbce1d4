"""Row groups of Parquet files to batches of documents."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.errors import InputError
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
                yield from _read_group(parquet, place, split, path, leaves, rule)
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
) -> Iterator[tuple[Any, Split, int]]:
    """Read one row group, a batch at a time."""
    done, rows = 0, _rows_at_once(parquet.metadata.row_group(split.start), leaves)
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


def _rows_at_once(group: Any, leaves: Sequence[int]) -> int:
    """Say how many rows of a row group a batch has."""
    n_bytes = sum(group.column(leaf).total_uncompressed_size for leaf in leaves)
    return int(max(1, min(MOST_ROWS, BATCH_BYTES * group.num_rows // max(1, n_bytes))))
