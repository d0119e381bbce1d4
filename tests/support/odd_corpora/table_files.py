"""Parquet files: odd and good, or broken in one place."""

from __future__ import annotations

import io
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from support.odd_corpora.broken_tables import break_table, break_written
from support.odd_corpora.settings import OddFile, Setting
from support.odd_corpora.texts import documents, name
from support.reference_reader import Document
from support.thrift import I64, footer_of, pages_of, with_footer

TEXT_TYPES = (
    pa.string(), pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int8(), pa.large_string()), pa.json_(),
)  # fmt: skip
ID_TYPES = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())


def table_file(random: Random, setting: Setting, number: int) -> OddFile:
    """Make up a file."""
    meant: list[Document] | None = documents(random, setting)
    good = random.random() < 0.6
    if good and random.random() < 0.02:
        meant = [*(meant or []), *([None] * 20_000)]
    table, oddities = _table(random, meant or [], setting)
    if not good and random.random() < 0.5:
        table, how = break_table(random, table, setting.asked)
        meant, oddities = None, [*oddities, how]
    data, more = _written(random, table)
    oddities += more
    if random.random() < 0.1:
        at = random.randrange(4, max(5, len(pages_of(data))))
        data = data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
        return OddFile(name(random, number, "parquet"), data, ..., (*oddities, f"another byte at {at}"))
    if not good and meant is not None:
        data, how = break_written(random, data, table)
        meant, oddities = None, [*oddities, how]
    ending = random.choice(("parquet", "parquet", "snappy.parquet", "pq", "PARQUET", "parq", "gz.parquet"))
    return OddFile(name(random, number, ending), data, meant, tuple(oddities))


def _table(random: Random, values: list[Document], setting: Setting) -> tuple[pa.Table, list[str]]:
    """Lay documents out as a column, among others."""
    names, asked = setting.names, setting.asked
    if asked.is_ids:
        inner = random.choice(ID_TYPES)
        column = pa.array(values, random.choice((pa.list_(inner), pa.list_(inner), pa.large_list(inner))))
    elif asked.join is not None and random.random() < 0.8:
        return _with_others(random, *_branched(random, values, setting)), ["lists"]
    else:
        column = _texts(random, values, is_nested=len(names) > 1)
    oddities = [str(column.type), "literal" if len(names) == 1 else "nested"]
    for inner_name in reversed(names[1:]):
        column = _struct(random, inner_name, column)
    return _with_others(random, names[0], column), oddities


def _texts(random: Random, values: list[Document], *, is_nested: bool) -> Any:
    """Lay texts out in one of the types that hold text."""
    kind = random.choice(TEXT_TYPES)
    if is_nested and kind == pa.string_view():  # pyarrow cannot write it inside a struct.
        kind = pa.large_string()
    plain = pa.array(values, pa.string())
    if pa.types.is_dictionary(kind):
        return _dictionary(plain, kind)
    if isinstance(kind, pa.JsonType):
        return pa.ExtensionArray.from_storage(kind, plain)
    return plain.cast(kind)


def _dictionary(plain: Any, kind: Any) -> Any:
    encoded = plain.dictionary_encode()
    if len(encoded.dictionary) > 100:
        return encoded
    return pa.DictionaryArray.from_arrays(
        encoded.indices.cast(kind.index_type), encoded.dictionary.cast(kind.value_type)
    )


def _struct(random: Random, inner: str, column: Any) -> Any:
    """Put a column into a struct, which is null where the value is, now and then."""
    fields = [pa.field("n", pa.int64()), pa.field(inner, column.type), pa.field("Text", pa.string())]
    columns = [pa.array(range(len(column)), pa.int64()), column, pa.array(["no"] * len(column), pa.string())]
    nulls = [random.random() < 0.5 and is_null for is_null in column.is_null().to_pylist()]
    return pa.StructArray.from_arrays(columns, fields=fields, mask=pa.array(nulls, pa.bool_()))


def _branched(random: Random, values: list[Document], setting: Setting) -> tuple[str, Any]:
    """Lay texts out as lists of strings, or of structs, that are joined to them."""
    first, *rest = setting.names
    parts = [value.split(setting.asked.join) if isinstance(value, str) else None for value in values]
    make_list = random.choice((pa.list_, pa.list_, pa.large_list))
    text = random.choice((pa.string(), pa.large_string()))
    if not rest:
        return first, pa.array(parts, make_list(text))
    rows = [None if row is None else [{"role": "user", rest[0]: part} for part in row] for row in parts]
    return first, pa.array(rows, make_list(pa.struct([("role", pa.string()), (rest[0], text)])))


def _with_others(random: Random, column_name: str, column: Any) -> pa.Table:
    """Put other columns beside it."""
    n_rows = len(column)
    nested = pa.struct([("text", pa.string()), ("ids", pa.list_(pa.int64()))])
    others: dict[str, Any] = {
        "n": pa.array(range(n_rows), pa.int64()),
        "Text": pa.array(["other"] * n_rows, pa.string()),
        "TEXT": pa.array([None] * n_rows, pa.null()),
        "bytes": pa.array([b"\xff"] * n_rows, pa.binary()),
        "nested": pa.array([{"text": "a", "ids": [1, None]}] * n_rows, nested),
        "map": pa.array([[("a", 1)]] * n_rows, pa.map_(pa.string(), pa.int64())),
        "": pa.array([1.5] * n_rows, pa.float64()),
        "é 字": pa.array([True] * n_rows, pa.bool_()),
        "_metadata": pa.array(["x"] * n_rows, pa.string()),
    }  # fmt: skip
    chosen = random.sample(sorted(others), random.choice((0, 0, 1, 2, 4)))
    columns = [(name, others[name]) for name in chosen]
    columns.insert(random.randrange(len(columns) + 1), (column_name, column))
    if random.random() < 0.05:
        columns += [("twice", others["n"]), ("twice", others["n"])]
    return pa.Table.from_arrays([column for _, column in columns], names=[name for name, _ in columns])


def _written(random: Random, table: pa.Table) -> tuple[bytes, list[str]]:
    """Write a table in one of many ways."""
    options: dict[str, Any] = {
        "compression": random.choice(("none", "snappy", "gzip", "zstd", "brotli", "lz4")),
        "version": random.choice(("1.0", "2.4", "2.6")),
        "data_page_version": random.choice(("1.0", "2.0")),
        "data_page_size": random.choice((64, 2**20)) if len(table) < 1000 else 2**20,
        "use_dictionary": random.random() < 0.5,
        "write_statistics": random.random() < 0.7,
        "write_page_checksum": random.random() < 0.3,
        "write_page_index": random.random() < 0.2,
        "store_schema": random.random() < 0.7,
        "dictionary_pagesize_limit": random.choice((32, 2**20)),
    }
    sink, row_groups = io.BytesIO(), random.choice(("one", "many", "some empty"))
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        if row_groups == "one":
            writer.write_table(table)
        else:
            step = random.choice((1, 3, 50)) if len(table) < 1000 else 5000
            for at in range(0, len(table), step):
                writer.write_table(table.slice(at, step))
                if row_groups == "some empty" and random.random() < 0.5:
                    writer.write_table(table.slice(0, 0))
    data = sink.getvalue()
    oddities = [f"{key}={options[key]}" for key in ("compression", "data_page_version", "data_page_size")]
    if not options["use_dictionary"] and random.random() < 0.3:
        return with_zero_offsets(data), [*oddities, "dictionary_page_offset = 0"]
    return data, [*oddities, row_groups]


def with_zero_offsets(data: bytes) -> bytes:
    """Say of columns without a dictionary that it begins at byte 0, as old writers did."""
    footer = footer_of(data)
    for group in footer.get(4, []):
        for chunk in group[1]:
            if 3 in chunk and 11 not in chunk[3]:
                chunk[3].put(11, I64, 0)
    return with_footer(data, footer)
