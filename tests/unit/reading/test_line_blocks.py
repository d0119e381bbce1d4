"""Blocks of whole lines, however the file comes: naively, by splitting the whole."""

import io
import random
import re

import pytest

from leadterm.errors import InputError
from leadterm.reading import line_blocks as lines
from leadterm.reading.line_blocks import BYTE_ORDER_MARK, count_lines, numbered_lines, whole_lines


def some_lines(draw: random.Random) -> bytes:
    """Lines of several lengths, blank ones among them, with ends of all kinds."""
    ends = draw.choice([[b"\n"], [b"\r\n"], [b"\r"], [b"\n", b"\r\n", b"\r"]])
    made = (draw.choice([b"", b" ", b"\t ", b"x", b"x" * 40, b"y" * 90]) + draw.choice(ends) for _ in range(30))
    return b"".join(made) + draw.choice([b"", b"z", b" "])


def naive_lines(data: bytes) -> list[tuple[int, bytes]]:
    """Number the lines that are not blank."""
    return [(number, line) for number, line in enumerate(re.split(rb"\r\n|\n|\r", data), 1) if line.strip(b" \t")]


@pytest.mark.parametrize("seed", range(60))
def test_blocks_hold_the_lines_of_the_file(monkeypatch, seed):
    draw = random.Random(seed)
    data = some_lines(draw)
    monkeypatch.setattr(lines, "BLOCK", draw.choice([1, 2, 3, 7, 50, 1000]))
    blocks = list(whole_lines(io.BytesIO(data), 100))
    assert b"".join(block for _, block in blocks) == data
    assert [begins for begins, _ in blocks] == [data.index(block, begins) for begins, block in blocks]
    found, first, records = [], 1, 0
    for _, block in blocks:
        found += numbered_lines(block, first)
        n_lines, n_records = count_lines(block, first)
        first, records = first + n_lines, records + n_records
    assert found == naive_lines(data)
    assert records == len(found)


@pytest.mark.parametrize("block", [1, 3, 64, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_long_line_is_refused_by_the_byte_at_which_it_begins(monkeypatch, block, end):
    monkeypatch.setattr(lines, "BLOCK", block)
    data = b"x" * 10 + end + b"y" * 200 + end + b"x"
    assert len(list(whole_lines(io.BytesIO(data), 200 + len(end)))) > 0
    with pytest.raises(InputError, match=rf"its line starting at byte {10 + len(end)} has more than 150 bytes"):
        list(whole_lines(io.BytesIO(data), 150))


def test_a_byte_order_mark_is_no_part_of_the_first_line_and_one_of_all_others():
    assert list(numbered_lines(BYTE_ORDER_MARK + b"a\n" + BYTE_ORDER_MARK + b"b", 1)) == [
        (1, b"a"),
        (2, BYTE_ORDER_MARK + b"b"),
    ]
    assert count_lines(BYTE_ORDER_MARK + b"\n ", 1) == (2, 0)
    assert list(numbered_lines(BYTE_ORDER_MARK + b"b", 7)) == [(7, BYTE_ORDER_MARK + b"b")]
