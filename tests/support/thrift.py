"""Thrift's compact protocol, read and written without a schema, for footers of Parquet that no library would write.

A struct is a dict from field numbers to values. Kinds are kept beside the values, so that what was read is written as
it was.
"""

from __future__ import annotations

from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)


class Struct(dict[int, Any]):
    """Fields by their numbers; `kinds` says how each is written."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[int, int] = {}

    def put(self, number: int, kind: int, value: Any) -> None:
        """Set a field."""
        self[number], self.kinds[number] = value, kind


class List(list[Any]):
    """Values of one kind."""

    kind: int = STRUCT


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def integer(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def raw(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == BYTE:
            return self.byte()
        if kind in (I16, I32, I64):
            return self.integer()
        if kind == DOUBLE:
            return self.raw(8)
        if kind == BINARY:
            return self.raw(self.varint())
        return self.values() if kind in (LIST, SET) else self.struct()

    def values(self) -> List:
        head = self.byte()
        found = List()
        found.kind = head & 15
        size = self.varint() if head >> 4 == 15 else head >> 4
        for _ in range(size):
            found.append(self.byte() == TRUE if found.kind in (TRUE, FALSE) else self.value(found.kind))
        return found

    def struct(self) -> Struct:
        found, number = Struct(), 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.integer()
            found.put(number, head & 15, self.value(head & 15))
        return found


def decode(data: bytes) -> Struct:
    """Read a struct."""
    return _Reader(data).struct()


def encode(struct: Struct) -> bytes:
    """Write a struct."""
    parts, before = [], 0
    for number in sorted(struct):
        kind, value = struct.kinds[number], struct[number]
        if kind in (TRUE, FALSE):
            kind = TRUE if value else FALSE
        step = number - before
        parts.append(bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + _integer(number))
        parts.append(b"" if kind in (TRUE, FALSE) else _value(kind, value))
        before = number
    return b"".join([*parts, b"\0"])


def _value(kind: int, value: Any) -> bytes:
    if kind == BYTE:
        return bytes([value])
    if kind in (I16, I32, I64):
        return _integer(value)
    if kind == DOUBLE:
        return bytes(value)
    if kind == BINARY:
        return _varint(len(value)) + value
    return _values(value) if kind in (LIST, SET) else encode(value)


def _values(values: List) -> bytes:
    size = len(values)
    head = bytes([size << 4 | values.kind]) if size < 15 else bytes([0xF0 | values.kind]) + _varint(size)
    if values.kind in (TRUE, FALSE):
        return head + bytes(TRUE if value else FALSE for value in values)
    return head + b"".join(_value(values.kind, value) for value in values)


def _integer(value: int) -> bytes:
    return _varint(value << 1 ^ value >> 63)


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def footer_of(data: bytes) -> Struct:
    """Read the footer of a whole Parquet file."""
    return decode(data[-8 - int.from_bytes(data[-8:-4], "little") : -8])


def pages_of(data: bytes) -> bytes:
    """Take all of a Parquet file that stands before its footer."""
    return data[: -8 - int.from_bytes(data[-8:-4], "little")]


def with_footer(data: bytes, footer: Struct) -> bytes:
    """Put another footer in the place of a Parquet file's own."""
    written = encode(footer)
    return pages_of(data) + written + len(written).to_bytes(4, "little") + data[-4:]
