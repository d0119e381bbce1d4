"""Ways in which a Parquet file is broken, or holds what is no document; each must be refused."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from support.reference_reader import Asked
from support.thrift import footer_of, with_footer

NOT_UTF8 = (b"\xe4", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\xbd", b"\xf5\x80\x80\x80", b"ab\xe2\x82")


def break_table(random: Random, table: pa.Table, asked: Asked) -> tuple[pa.Table, str]:
    """Put something else in the place of the column; says what."""
    first = asked.column.split(".")[0]
    at = next(at for at, name in enumerate(table.column_names) if name in (asked.column, first))
    n_rows = max(len(table), 1)
    if len(table) == 0:
        table = pa.Table.from_arrays([pa.nulls(1, field.type) for field in table.schema], names=table.column_names)
    if random.random() < 0.3:
        return _renamed(random, table, at, asked)
    wrong = _wrong_ids(n_rows) if asked.is_ids else _wrong_texts(n_rows)
    if asked.join is not None:
        wrong += [pa.array([["a", "b"]] * (n_rows - 1) + [last]) for last in (["a", None], [None, "b"])] * 3
    column = random.choice(wrong)
    names = table.column_names
    names[at] = asked.column
    return pa.Table.from_arrays([column if i == at else table.column(i) for i in range(len(names))], names=names), str(
        column.type
    )


def _renamed(random: Random, table: pa.Table, at: int, asked: Asked) -> tuple[pa.Table, str]:
    names = table.column_names
    first = names[at]
    if random.random() < 0.5:
        twin = pa.Table.from_arrays([*table.columns, table.column(at)], names=[*names, first])
        return twin, "the column twice"
    names[at] = random.choice((first.upper(), f"{first} ", "body", f"{first}.{first}"))
    return table.rename_columns(names), "no such column"


def _wrong_texts(n_rows: int) -> list[Any]:
    return [
        pa.array([1] * n_rows), pa.array([1.5] * n_rows), pa.array([True] * n_rows), pa.array([b"a b"] * n_rows),
        pa.array([{"a": "b"}] * n_rows), pa.array([[1]] * n_rows), pa.nulls(n_rows),
        pa.array([b"abcd"] * n_rows, pa.binary(4)), pa.array([1] * n_rows, pa.timestamp("ms")),
        pa.array([[["a"]]] * n_rows), pa.array([[("a", "b")]] * n_rows, pa.map_(pa.string(), pa.string())),
        pa.array([1] * n_rows).dictionary_encode(), not_utf8(n_rows, NOT_UTF8[n_rows % len(NOT_UTF8)]),
    ]  # fmt: skip


def _wrong_ids(n_rows: int) -> list[Any]:
    return [
        pa.array([1] * n_rows), pa.array([[1.0]] * n_rows), pa.array([["1"]] * n_rows),
        pa.array([[1]] * n_rows, pa.list_(pa.uint64())), pa.array([[1, None]] * n_rows), pa.array([[50]] * n_rows),
        pa.array([[-1]] * n_rows), pa.array([[2**40]] * n_rows), pa.array([[True]] * n_rows),
        pa.array([[[1]]] * n_rows), pa.array(["1"] * n_rows), pa.array([[]] * n_rows, pa.list_(pa.null())),
    ]  # fmt: skip


def not_utf8(n_rows: int, text: bytes) -> Any:
    """Lay bytes that are no text out as a column of text; the last row is the bad one."""
    values = [b"the cat"] * (n_rows - 1) + [text]
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.StringArray.from_buffers(n_rows, pa.py_buffer(offsets), pa.py_buffer(b"".join(values)))


def break_written(random: Random, data: bytes, table: pa.Table) -> tuple[bytes, str]:
    """Break the bytes of a file; says how."""
    ways: dict[str, Callable[[], bytes]] = {
        "cut short": lambda: data[: random.randrange(len(data))],
        "no bytes": lambda: b"",
        "text": lambda: b'{"text": "a b"}\n' * 3,
        "garbage after": lambda: data + b"garbage",
        "a footer without end": lambda: data[:-8] + b"\xff\xff\xff\x7fPAR1",
        "a footer of noise": lambda: b"PAR1" + random.randbytes(200) + (200).to_bytes(4, "little") + b"PAR1",
        "zeros": lambda: b"\0" * len(data),
        "more rows in the footer": lambda: lie(data, random.choice((1, 7, 10**6))),
        "fewer rows in the footer": lambda: lie(data, -1),
        "encrypted": lambda: encrypted(table, plain=False),
        "encrypted behind a plain footer": lambda: encrypted(table, plain=True),
    }
    how = random.choice(tuple(ways))
    return ways[how](), how


def lie(data: bytes, by: int) -> bytes:
    """Let the footer tell of another number of rows."""
    footer = footer_of(data)
    footer[3] += by
    return with_footer(data, footer)


def _leaves(table: pa.Table) -> list[str]:
    """List the columns of a table as a file stores them, but one without a name, which cannot have a key."""
    sink = io.BytesIO()
    pq.write_table(table.slice(0, 0), sink)
    stored = pq.ParquetFile(sink).metadata.schema
    return [path for path in dict.fromkeys(stored.column(number).path for number in range(len(stored))) if path]


class _Keys(pe.KmsClient):
    """Keeps keys in the file itself."""

    def __init__(self, _: Any) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, _: str) -> str:
        return base64.b64encode(key).decode()

    def unwrap_key(self, wrapped: str, _: str) -> bytes:
        return base64.b64decode(wrapped)


def encrypted(table: pa.Table, *, plain: bool, columns: Sequence[str] = ()) -> bytes:
    """Write a table in which some columns, or all, are encrypted; the footer too, or not."""
    keys = {"column": list(columns) or _leaves(table)}
    asked = pe.EncryptionConfiguration(footer_key="footer", plaintext_footer=plain, column_keys=keys)
    factory = pe.CryptoFactory(_Keys)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), asked)
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    return sink.getvalue()
