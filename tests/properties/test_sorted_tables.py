"""Windows that were sorted in any number of files merge into the bytes of one file."""

from collections.abc import Iterator
from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.store import Location
from leadterm.store import windows as windows_module
from leadterm.store.sorted_windows import merge_windows
from leadterm.store.windows import SCHEMA, windows_file

Window = tuple[int, int, list[int]]
TOKENS = st.lists(st.sampled_from([0, 1, 255, 256, 257, 65_536, 2**31 - 1]), min_size=2, max_size=5)
"""Ids whose order as little-endian bytes is not that of the numbers."""
WINDOWS = st.lists(st.tuples(st.sampled_from([-(2**63), -1, 0, 7, 2**63 - 1]), st.integers(0, 2), TOKENS), max_size=40)
"""Few documents, so that many windows are equal, or differ in their tokens alone."""


def key(window: Window) -> tuple[int, int, bytes]:
    document, number, tokens = window
    return document, number, b"".join(token.to_bytes(4, "little") for token in tokens)


def table(windows: list[Window]) -> pa.Table:
    columns = list(zip(*windows, strict=True)) or [(), (), ()]
    arrays = [pa.array(list(part), kind) for part, kind in zip(columns, SCHEMA.types, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def tables(windows: list[Window], cuts: list[int]) -> Iterator[pa.Table]:
    """Cut sorted windows into tables, some of them empty, and some slices of others."""
    places = sorted([0, *(cut % (len(windows) + 1) for cut in cuts), len(windows)])
    whole = table(windows)
    for start, stop in pairwise(places):
        yield whole.slice(start, stop - start) if start % 2 else table(windows[start:stop])


def written(pieces: Iterator[pa.Table], place: Location, group_tokens: int) -> tuple[bytes, list[int]]:
    before, windows_module.ROW_GROUP_TOKENS = windows_module.ROW_GROUP_TOKENS, group_tokens
    try:
        with windows_file(place) as (file, _):
            for piece in pieces:
                file.append(piece)
    finally:
        windows_module.ROW_GROUP_TOKENS = before
    return place.read_bytes().to_pybytes(), file.group_entries


@given(WINDOWS, st.lists(st.integers(0, 4), min_size=40, max_size=40), st.lists(st.integers(0, 50), max_size=6))
@settings(max_examples=150, deadline=None)
def test_the_order_is_that_of_all_windows_sorted_together(windows, dealt, cuts):
    sources = [sorted((w for w, i in zip(windows, dealt, strict=False) if i == n), key=key) for n in range(5)]
    merged = pa.concat_tables([SCHEMA.empty_table(), *merge_windows([tables(source, cuts) for source in sources])])
    found = [tuple(row.values()) for row in merged.to_pylist()]
    assert found == sorted(windows, key=key)


@given(WINDOWS, st.lists(st.integers(0, 2), min_size=40, max_size=40), st.lists(st.integers(0, 50), max_size=6))
@settings(max_examples=30, deadline=None)
def test_files_have_the_bytes_and_row_groups_of_one(tmp_path_factory, windows, dealt, cuts):
    folder = Location.of(tmp_path_factory.mktemp("files"))
    ordered = sorted(windows, key=key)
    together = written(iter([table(ordered)]), folder / "together", 7)
    sources = [[w for w, i in zip(ordered, dealt, strict=False) if i == n] for n in range(3)]
    apart = merge_windows([tables(source, cuts) for source in sources])
    assert written(apart, folder / "apart", 7) == together


def test_a_source_of_many_equal_windows_is_not_gathered():
    """Of equal windows a table at a time is held: what comes out keeps pace with what is read."""
    equal, read = (3, 0, [1, 2]), 0

    def source() -> Iterator[pa.Table]:
        nonlocal read
        for _ in range(50):
            read += 1
            yield table([equal] * 10)

    given = 0
    for piece in merge_windows([source(), source()]):
        given += len(piece)
        assert 10 * read - given <= 20
    assert given == 1000
