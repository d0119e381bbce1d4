"""Thrift's compact protocol, as far as Parquet's footers and headers of pages are written in it."""

from typing import Any

Fields = dict[int, Any]
"""The fields of a struct by number; texts, doubles, maps and sets are passed over, as None."""


def read_struct(data: bytes, at: int) -> tuple[Fields, int]:
    """Read a struct: its fields by number, and where it ends.

    Raises
    ------
    IndexError
        If it goes on after the end of the bytes.
    KeyError
        If it is no struct.
    """
    fields: Fields = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        kind = head & 15
        fields[number], at = (kind == 1, at) if kind in (1, 2) else _value(data, at, kind)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    """Read a value that stands in a field or a list."""
    if kind in (1, 2, 3):  # In a list a boolean takes a byte, as an int8 does.
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _zigzag(data, at)
    if kind == 7:
        return None, _checked(data, at + 8)
    if kind == 8:
        length, at = _varint(data, at)
        return None, _checked(data, at + length)
    if kind in (9, 10):
        return _list(data, at)
    if kind == 12:
        return read_struct(data, at)
    raise KeyError(kind)


def _list(data: bytes, at: int) -> tuple[list[Any], int]:
    """Read a list or a set."""
    head, at = data[at], at + 1
    length = head >> 4
    if length == 15:
        length, at = _varint(data, at)
    values = []
    for _ in range(length):
        value, at = _value(data, at, head & 15)
        values.append(value)
    return values, at


def _checked(data: bytes, at: int) -> int:
    """Check that a value ends before the bytes do."""
    if at > len(data):
        raise IndexError(at)
    return at


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    """Read a signed number."""
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits to the byte."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise KeyError(shift)
