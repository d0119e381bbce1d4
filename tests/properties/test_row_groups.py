"""A file's bytes depend on its rows alone, however they were batched."""

import hashlib
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import fs

from leadterm.storage.formats.matrix_files import DELTA, matrix_schema
from leadterm.storage.formats.parquet_io import GroupCutter, grouped_parquet
from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import HashingSink

LENGTHS = st.lists(st.integers(0, 9), max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=6)


def parts_of(items: list, cuts: list[int]) -> list[list]:
    """Divide a list at the given places; parts may be empty."""
    places = [0, *sorted(min(cut, len(items)) for cut in cuts), len(items)]
    return [items[a:b] for a, b in pairwise(places)]


def naive_groups(lengths: list[int], entries: int) -> list[int]:
    """Return after which lists a group ends: after the first one that fills it."""
    ends, pending = [], 0
    for number, length in enumerate(lengths, start=1):
        pending += length
        if pending >= entries:
            ends.append(number)
            pending = 0
    return ends


@given(LENGTHS, CUTS, st.integers(1, 20))
@settings(max_examples=300, deadline=None)
def test_groups_end_after_the_first_list_that_fills_them(lengths, cuts, entries):
    cutter, found, done = GroupCutter(entries), [], 0
    for part in parts_of(lengths, cuts):
        found += [done + end for end in cutter.cuts(np.array(part, dtype=np.int64))]
        done += len(part)
    assert found == naive_groups(lengths, entries)


def write(place: Location, lists: list[list[int]], cuts: list[int], entries: int) -> HashingSink:
    """Write lists as the rows of a matrix, in the batches that the cuts make."""
    schema = matrix_schema("bigram", 100, 0)
    rows = [{"row": i, "cols": row, "values": [n + 1 for n in row]} for i, row in enumerate(lists)]
    with grouped_parquet(place, schema, "cols", entries, column_encoding=DELTA) as (writer, sink):
        for part in parts_of(rows, cuts):
            writer.append(pa.Table.from_pylist(part, schema=schema))
    assert writer.group_entries == [sum(map(len, lists[a:b])) for a, b in group_bounds(lists, entries)]
    return sink


def group_bounds(lists: list[list[int]], entries: int) -> list[tuple[int, int]]:
    """Return where the groups of a file begin and end; the last one may not be full."""
    ends = naive_groups([len(row) for row in lists], entries)
    places = [0, *ends] if ends and ends[-1] == len(lists) else [0, *ends, len(lists)]
    return [(a, b) for a, b in pairwise(places) if a < b]


@given(st.lists(st.lists(st.integers(0, 99), max_size=9), max_size=30), CUTS, st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_any_batches_give_the_same_bytes(tmp_path_factory, lists, cuts, entries):
    folder = Location.of(tmp_path_factory.mktemp("groups"))
    whole, cut = write(folder / "whole", lists, [], entries), write(folder / "cut", lists, cuts, entries)
    assert (whole.sha256, whole.n_bytes) == (cut.sha256, cut.n_bytes)
    data = (folder / "cut").read_bytes()
    assert (hashlib.sha256(data).hexdigest(), data.size) == (cut.sha256, cut.n_bytes)
    file = pq.ParquetFile(pa.BufferReader(data))
    assert file.read()["cols"].to_pylist() == lists
    assert file.num_row_groups == len(group_bounds(lists, entries))
    assert (folder / "cut").kind() == fs.FileType.File
