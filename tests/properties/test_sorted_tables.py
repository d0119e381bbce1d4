"""Windows that were sorted in any number of files merge into the bytes of one file."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.storage import Location
from leadterm.storage.formats import documents_table as documents
from leadterm.storage.formats import windows_files as windows_module
from leadterm.storage.formats.sorted_merge import DOCUMENTS, merge_sorted
from leadterm.storage.formats.sorted_merge import WINDOWS as ORDER
from leadterm.storage.formats.windows_files import SCHEMA, windows_file

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
    merged = pa.concat_tables(
        [SCHEMA.empty_table(), *merge_sorted([tables(source, cuts) for source in sources], ORDER)]
    )
    found = [tuple(row.values()) for row in merged.to_pylist()]
    assert found == sorted(windows, key=key)


@given(WINDOWS, st.lists(st.integers(0, 2), min_size=40, max_size=40), st.lists(st.integers(0, 50), max_size=6))
@settings(max_examples=30, deadline=None)
def test_files_have_the_bytes_and_row_groups_of_one(tmp_path_factory, windows, dealt, cuts):
    folder = Location.of(tmp_path_factory.mktemp("files"))
    ordered = sorted(windows, key=key)
    together = written(iter([table(ordered)]), folder / "together", 7)
    sources = [[w for w, i in zip(ordered, dealt, strict=False) if i == n] for n in range(3)]
    apart = merge_sorted([tables(source, cuts) for source in sources], ORDER)
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
    for piece in merge_sorted([source(), source()], ORDER):
        given += len(piece)
        assert 10 * read - given <= 20
    assert given == 1000


DOCUMENT = st.tuples(
    st.sampled_from([-(2**63), -1, 0, 2**63 - 1]),
    st.integers(0, 2),
    st.one_of(st.none(), st.integers(0, 300)),
    st.integers(2, 2**40),
    st.integers(1, 3),
)


def as_sorted(rows: list[tuple[int | None, ...]]) -> list[tuple[int | None, ...]]:
    return sorted(rows, key=lambda row: [(value is None, value or 0) for value in row])


@given(st.lists(st.lists(DOCUMENT, max_size=12), max_size=4), st.integers(1, 5))
@settings(deadline=None)
def test_documents_merge_into_their_one_order(sources, size):
    """Independent: Python sorts all of them, a row that is not known last."""

    def given_out(rows):
        columns = list(zip(*as_sorted(rows), strict=True)) or [[]] * len(documents.SCHEMA)
        arrays = [pa.array(list(part), kind) for part, kind in zip(columns, documents.SCHEMA.types, strict=True)]
        table = pa.table(arrays, schema=documents.SCHEMA)
        yield from (table[start : start + size] for start in range(0, len(table), size))

    merged = [documents.SCHEMA.empty_table(), *merge_sorted(list(map(given_out, sources)), DOCUMENTS)]
    found = [tuple(row.values()) for row in pa.concat_tables(merged).to_pylist()]
    assert found == as_sorted([row for rows in sources for row in rows])


@given(st.lists(DOCUMENT, max_size=20))
@settings(deadline=None)
def test_packed_documents_come_out_as_they_went_in_and_bytes_sort_as_rows(rows):
    """Spark sorts what is packed by its bytes."""
    hashes, source, row, tokens, windows = list(zip(*rows, strict=True)) or [()] * 5
    numbers = [np.array(part, dtype=np.int64) for part in (tokens, windows)]
    packed = documents.pack(pa.array(source, pa.int32()), pa.array(row, pa.int64()), *numbers)
    unpacked = documents.unpack(pa.array(hashes, pa.int64()), packed)
    assert [tuple(one.values()) for one in unpacked.to_pylist()] == rows
    by_bytes = sorted(range(len(rows)), key=lambda i: packed[i].as_py())
    assert [rows[i][1:] for i in by_bytes] == as_sorted([one[1:] for one in rows])
