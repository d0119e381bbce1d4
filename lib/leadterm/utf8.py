"""Text files of others: UTF-8, with or without the mark that some editors put before it."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
"""What begins a file in another encoding of Unicode; the mark of UTF-32 begins with that of UTF-16."""
_ZEROS = {(1, 3): "UTF-16LE", (0, 2): "UTF-16BE", (1, 2, 3): "UTF-32LE", (0, 1, 2): "UTF-32BE"}
"""Which of the first four bytes are 0 where the first letters are ASCII."""


def decode_utf8(data: bytes) -> str:
    r"""Decode a file that should be UTF-8, and take a byte order mark off.

    Raises
    ------
    ValueError
        It is something else; where that is UTF-16 or UTF-32, it says so and what to do.

    Examples
    --------
    >>> decode_utf8(b"\xef\xbb\xbf{}")
    '{}'
    >>> decode_utf8("{}".encode("utf-16"))
    Traceback (most recent call last):
    ...
    ValueError: it is UTF-16; save it as UTF-8, for example with: iconv -f UTF-16 -t UTF-8 FILE
    """
    found = _other_encoding(data)
    if found:
        raise ValueError(f"it is {found}; save it as UTF-8, for example with: iconv -f {found} -t UTF-8 FILE")
    return data.decode("utf-8-sig")


def _other_encoding(data: bytes) -> str | None:
    """Name the encoding that a mark, or zero bytes between the first letters, give away; None if it may be UTF-8."""
    name = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    name = name or _ZEROS.get(tuple(place for place, byte in enumerate(data[:4]) if byte == 0))
    if name is None:
        return None
    try:
        data.decode(name)
    except UnicodeDecodeError:  # Other bytes may begin so too.
        return None
    return name
