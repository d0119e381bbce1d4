"""Parquet: pyarrow decodes the columns; which one holds the documents, and whether it may, is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from support.reference_reader.asked import Asked, Document, Read, Refused
from support.thrift import Struct, footer_of, with_footer

ROWS, ROW_GROUPS, KEY_VALUES, COLUMNS, GROUP_ROWS, CRYPTO_METADATA, METADATA, PATH = 3, 4, 5, 1, 3, 8, 3, 3
"""Fields of a footer (parquet.thrift): FileMetaData's three, RowGroup's two, ColumnChunk's two, ColumnMetaData's."""


def read_table(path: Path, asked: Asked) -> Read:
    """Read a Parquet file."""
    try:
        data = path.read_bytes()
        names = _find(pq.ParquetFile(pa.BufferReader(data)).schema_arrow, asked)
        footer = footer_of(data)
        _refuse_encrypted(footer, names[0])
        footer.pop(KEY_VALUES, None)  # Of Arrow's types; pyarrow cannot read dictionaries inside structs in pieces.
        table = pq.ParquetFile(pa.BufferReader(with_footer(data, footer)), page_checksum_verification=True).read(
            columns=_leaves(footer, names)
        )
        if not len(table) == footer[ROWS] == sum(group[GROUP_ROWS] for group in footer[ROW_GROUPS]):
            raise Refused("the footer tells of another number of rows")
        array = table.column(table.schema.get_field_index(names[0])).combine_chunks()
        for done, name in enumerate(names[1:], start=1):
            if not pa.types.is_struct(array.type):
                return Read([_document(_walk(value, names[done:]), asked) for value in array.to_pylist()])
            array = array.flatten()[array.type.get_field_index(name)]  # A null above makes a null below.
        return Read([_document(value, asked) for value in array.to_pylist()])
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        raise Refused(str(error)) from error


def _find(schema: pa.Schema, asked: Asked) -> list[str]:
    """Find the column by its literal name, else by the dotted path, and look at its type."""
    names = [asked.column] if asked.column in schema.names else asked.column.split(".")
    kind: Any = pa.struct(list(schema))
    branches = 0
    for name in names:
        if _is_list(kind) and not asked.is_ids:
            kind, branches = kind.value_type, branches + 1
        there = [kind.field(i).name for i in range(kind.num_fields)] if pa.types.is_struct(kind) else []
        if there.count(name) != 1:
            raise Refused(f"{there.count(name)} columns {asked.column}")
        kind = kind.field(name).type
    if _is_list(kind) and not asked.is_ids:
        kind, branches = kind.value_type, branches + 1
    if branches > (asked.join is not None) or not (_is_ids(kind) if asked.is_ids else _is_text(kind)):
        raise Refused(f"the column holds {kind}, {branches} lists deep")
    return names


def _leaves(footer: Struct, names: list[str]) -> list[str]:
    """Name the columns, as the file stores them, that documents are made of."""
    paths = {
        tuple(part.decode() for part in chunk[METADATA][PATH])
        for group in footer[ROW_GROUPS]
        for chunk in group[COLUMNS]
        if METADATA in chunk
    }
    found = [path for path in paths if path[0] == names[0] and [part for part in path if part in names] == names]
    return [".".join(path) for path in found] or names[:1]


def _is_list(kind: Any) -> bool:
    return any(is_kind(kind) for is_kind in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def _is_ids(kind: Any) -> bool:
    return _is_list(kind) and pa.types.is_integer(kind.value_type) and not pa.types.is_uint64(kind.value_type)


def _is_text(kind: Any) -> bool:
    if isinstance(kind, pa.JsonType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _refuse_encrypted(footer: Struct, name: str) -> None:
    """Look into the footer for a chunk of the column that has a key of its own."""
    for group in footer.get(ROW_GROUPS, []):
        for chunk in group[COLUMNS]:
            named = chunk[METADATA][PATH][0] if METADATA in chunk else name.encode()
            if CRYPTO_METADATA in chunk and named == name.encode():
                raise Refused("the column is encrypted")


def _walk(values: list[Any] | None, names: Sequence[str]) -> list[Any] | None:
    """Take from each struct of a list what lies at the end of a path."""
    for name in names:
        values = values and [value and value[name] for value in values]
    return values


def _document(value: Any, asked: Asked) -> Document:
    if isinstance(value, list):
        if None in value:
            raise Refused("a null in a list")
        return value if asked.is_ids else (asked.join or "").join(value)
    document: Document = value
    return document
