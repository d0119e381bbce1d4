"""The small tables of a run: its vocabulary, its frequency vectors and its list of source files."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadterm._version import __version__
from leadterm.catalog.products import Product
from leadterm.errors import RunError
from leadterm.storage.formats.parquet_io import arrow_fields, table_bytes
from leadterm.storage.location import Location
from leadterm.storage.manifest import FileEntry, Manifest
from leadterm.storage.read_products import read_verified
from leadterm.storage.require_products import who_makes
from leadterm.storage.staged.staging_folder import Staging

VOCABULARY = Product.VOCABULARY.files
FREQUENCIES = Product.FREQUENCIES.files
SOURCES = Product.SOURCES.files
POSITION = Product.POSITION.files
TOKENIZER = "tokenizer.json"
MARGINS = "margins.parquet"
_MARGINS = [("token_id", pa.int32()), ("kept", pa.bool_()), ("without_row", pa.float64()), ("spread", pa.float64())]
KINDS: dict[str, list[tuple[str, pa.DataType]]] = {
    product.files: arrow_fields(product) for product in (Product.VOCABULARY, Product.FREQUENCIES, Product.POSITION)
} | {MARGINS: _MARGINS}
"""The columns of tables whose rows are taken for tokens or distances."""
COLUMNS = {SOURCES: ("path", "bytes", "sha256", "rows")}
"""Of tables that may have others too, those without which nobody can read them."""


def vocabulary_table(tokens: list[str], counts: NDArray[np.int64]) -> pa.Table:
    """Lay out a vocabulary: token_id int32, token string, count int64, one row per id in order."""
    ids = np.arange(len(tokens), dtype=np.int32)
    return pa.table({"token_id": ids, "token": pa.array(tokens, pa.string()), "count": counts})


def frequency_table(current: NDArray[np.int64], context: NDArray[np.int64]) -> pa.Table:
    """Lay out both frequency vectors: token_id int32, current int64 (counts), context int64 (fixed point)."""
    return pa.table({"token_id": np.arange(len(current), dtype=np.int32), "current": current, "context": context})


def position_table(bias: NDArray[np.float64]) -> pa.Table:
    """Lay out the position bias: distance int32 (query minus key, from 0), bias double."""
    return pa.table({"distance": np.arange(len(bias), dtype=np.int32), "bias": bias})


def stage_bytes(staging: Staging, name: str, data: bytes) -> tuple[tuple[Location, str], FileEntry]:
    """Write a small file into the staging folder: its place and name for the commit, and its manifest entry."""
    place = staging.folder / "small" / name
    place.write_bytes(data)
    return (place, name), FileEntry(name, len(data), hashlib.sha256(data).hexdigest())


def stage_table(staging: Staging, name: str, table: pa.Table) -> tuple[tuple[Location, str], FileEntry]:
    """Write a small table into the staging folder as Parquet; see :func:`stage_bytes`."""
    return stage_bytes(staging, name, table_bytes(table))


def read_table(run: Location, manifest: Manifest, name: str, columns: Sequence[str] = ()) -> pa.Table:
    """Read a small table of a product.

    Parameters
    ----------
    run
        The run directory.
    manifest
        Of the product.
    name
        Of the table's file.
    columns
        Which it must have, where :data:`KINDS` says nothing of such tables.

    Raises
    ------
    RunError
        If it is missing, is not the one that was written, or is not a valid table: readers take its rows for tokens.
    """
    entry = next((entry for entry in manifest.files if entry.name == name), None)
    if entry is None:
        raise RunError(f"{run / manifest.product} has no {name} in its manifest. {_again(run, manifest)}")
    data = pa.BufferReader(read_verified(run, manifest.product, entry))
    try:
        table = pq.read_table(data)
        problem = _problem(table, name, manifest.counts.get("vocabulary_size"), columns or COLUMNS.get(name, ()))
    except (pa.ArrowException, OSError) as error:
        problem = str(error)
    if problem:
        raise RunError(f"{run / manifest.product / name} is not a valid table: {problem}. {_again(run, manifest)}")
    return table


def _again(run: Location, manifest: Manifest) -> str:
    """Say how to come by a product that can be read; another version may have written this one."""
    remedy = f"Run {who_makes(run, manifest.product)} again with --overwrite."
    if manifest.code_version == __version__:
        return remedy
    return f"It was written by leadterm {manifest.code_version}, and this is {__version__}. {remedy}"


def _problem(table: pa.Table, name: str, size: int | None, columns: Sequence[str]) -> str | None:
    """Say why a table cannot be the one of its name."""
    kinds = KINDS.get(name)
    if kinds is None:
        missing = [column for column in columns if column not in table.column_names]
        return f"it lacks the column {', '.join(missing)}, and has {', '.join(table.column_names)}" if missing else None
    if not table.schema.remove_metadata().equals(pa.schema(kinds)):
        return f"its columns are {', '.join(f'{field.name} ({field.type})' for field in table.schema)}"
    if any(column.null_count for column in table.columns):
        return "it contains nulls"
    if not np.array_equal(table.column(0).to_numpy(), np.arange(len(table))):
        return f"its column {table.column_names[0]} does not number the rows"
    if table.column_names[0] == "token_id" and size not in (None, len(table)):
        return f"it has {len(table):,} rows, and the vocabulary {size:,} tokens"
    return None
