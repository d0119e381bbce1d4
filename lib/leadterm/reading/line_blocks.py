"""Files of lines in blocks of whole lines; a line ends with a line feed, a carriage return or both."""

from collections.abc import Iterator
from typing import Any

from leadterm.errors import InputError

BLOCK = 4 * 2**20
"""Bytes that are read at once, and about as many as a task's smallest work has."""
BLANK = b" \t"
"""What a line may consist of that is no record, beside its end."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def whole_lines(stream: Any, longest: int) -> Iterator[tuple[int, bytes]]:
    """Read a file in blocks of whole lines: where each begins, and its bytes, which join to the file's.

    Parameters
    ----------
    stream
        What is read.
    longest
        Bytes that a line may have.

    Raises
    ------
    InputError
        Says where a longer line begins.
    """
    begins, rest = 0, b""
    while chunk := stream.read(BLOCK):
        data = rest + chunk if rest else chunk
        # A carriage return at the very end may be the first half of a line's end.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
        block, rest = data[:end], data[end:]
        if block:
            _refuse_long(block, begins, longest)
            yield begins, block
            begins += len(block)
        _refuse_long(rest, begins, longest)
    if rest:
        yield begins, rest


def _refuse_long(block: bytes, begins: int, longest: int) -> None:
    """Refuse a line that would fill the memory."""
    if len(block) <= longest:
        return
    for line in block.splitlines(keepends=True):
        if len(line) > longest:
            raise InputError(
                f"its line starting at byte {begins:,} has more than {longest:,} bytes. Write one document "
                "per line, or leave it out."
            )
        begins += len(line)


def numbered_lines(block: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a block that are not blank, with their numbers."""
    if first == 1:
        block = block.removeprefix(BYTE_ORDER_MARK)
    for number, line in enumerate(block.splitlines(), first):
        if line.strip(BLANK):
            yield number, line


def count_lines(block: bytes, first: int) -> tuple[int, int]:
    """Count the lines of a block, and those that are not blank: without a look at what is in them."""
    return len(block.splitlines()), sum(1 for _ in numbered_lines(block, first))
