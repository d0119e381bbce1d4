"""How long a line of JSON is, however the file is read: naively, by splitting the whole."""

import random
import re

import pytest

from leadterm.errors import InputError
from leadterm.spark.rules import JsonRule


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("seed", range(20))
def test_lines_are_as_long_as_they_are(end, seed):
    draw = random.Random(seed)
    data = end.join(b"x" * draw.choice([0, 1, 5, 40, 90]) for _ in range(20)) + draw.choice([b"", end])
    longest = max(map(len, re.split(rb"\r?\n|\r", data)))
    places = sorted(draw.choices(range(len(data)), k=6))
    # Beside a line feed, a carriage return counts as a byte of its line.
    watch = JsonRule("text", False, longest + (end == b"\r\n"))._watch_lines()
    for start, stop in zip([0, *places], [*places, len(data)], strict=True):
        watch(data[start:stop])
    watch = JsonRule("text", False, longest - 1)._watch_lines()  # Chunks are no longer than what is allowed.
    with pytest.raises(InputError, match=rf"has more than {longest - 1:,} bytes. Write one document to a line"):
        for at in range(len(data)):
            watch(data[at : at + 1])
