"""Matrices of several runs add up to the sums of their entries, however their rows lie in files and row groups."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.counting import GroupSum, RowGroups, Statistic
from leadterm.errors import RunError
from leadterm.pipeline.aggregation.layout import Layout
from leadterm.pipeline.aggregation.partial_sums_file import sum_block
from leadterm.pipeline.aggregation.stored_rows import StoredRows
from leadterm.storage import FileEntry, Location, Manifest, staging
from leadterm.storage.formats.matrix_files import PendingRows, matrix_file, matrix_schema, rows_file
from leadterm.storage.read_products import PARTS
from support.row_streams import Row, pack, unpack

ROWS = st.dictionaries(st.integers(0, 19), st.dictionaries(st.integers(0, 19), st.integers(1, 2**61), min_size=1))


def write(run: Location, rows: list[Row], groups: RowGroups, row_group: int) -> Location:
    """Write a bigram matrix of 20 rows as the counting job does, with row groups of this many entries."""
    entries, places = [], []
    with staging(run) as stage, patch("leadterm.storage.formats.matrix_files.ROW_GROUP_ENTRIES", row_group):
        for block in range(-(-20 // groups.rows_per_file)):
            mine = pack([row for row in rows if row[0] // groups.rows_per_file == block])
            if len(mine):
                place = stage.folder / PARTS / str(block)
                with matrix_file(place, matrix_schema("bigram", 20, 0), PendingRows(20)) as (file, sink):
                    file.append(mine)
                entries.append(FileEntry(rows_file(block), sink.n_bytes, sink.sha256))
                places.append((place, rows_file(block)))
        stage.commit(Manifest("bigram", {}, {}, {"vocabulary_size": 20}, tuple(entries)), places)
    return run


def added(runs: list[Location], groups: RowGroups) -> list[Row]:
    """Add up the matrices of runs as a task does."""
    total = GroupSum(groups.rows_per_group, 20)
    opened = [StoredRows(run, groups, Layout(20)) for run in runs]
    blocks = range(-(-20 // groups.rows_per_file))
    pieces = (rows for block in blocks for rows in sum_block(opened, groups, Statistic.BIGRAM, block, total))
    return [row for rows in pieces for row in unpack(rows)]


@given(st.lists(ROWS, min_size=1, max_size=3), st.integers(1, 20), st.integers(1, 20), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_rows_of_runs_add_up(matrices, rows_per_file, rows_per_group, row_group):
    groups = RowGroups(rows_per_file, min(rows_per_file, rows_per_group))
    expected: dict[int, Counter[int]] = {}
    for matrix in matrices:
        for row, nonzeros in matrix.items():
            expected.setdefault(row, Counter()).update(nonzeros)
    with TemporaryDirectory() as folder:
        runs = [Location.of(Path(folder) / str(number)) for number in range(len(matrices))]
        for run, matrix in zip(runs, matrices, strict=True):
            write(run, sorted(matrix.items()), groups, row_group)
        assert added(runs, groups) == sorted((row, dict(nonzeros)) for row, nonzeros in expected.items())


def test_a_file_is_read_once_a_row_group_at_a_time(tmp_path):
    groups = RowGroups(20, 2)
    matrix = [(row, dict.fromkeys(range(20), 1)) for row in range(20)]
    run = write(Location.of(tmp_path / "run"), matrix, groups, 60)  # Row groups of 3 rows, groups of 2.
    read = []
    with patch("pyarrow.parquet.ParquetFile.read_row_group", autospec=True) as reader:
        reader.side_effect = lambda file, number, columns: read.append(number) or file.read_row_groups([number])
        assert added([run], groups) == matrix
    assert read == list(range(7))


@pytest.mark.parametrize("damage", ["page", "missing"])
def test_a_file_that_is_damaged_or_missing_is_named(tmp_path, damage):
    groups = RowGroups(10, 10)
    run = write(Location.of(tmp_path / "run"), [(row, {row: 2**40 + row}) for row in range(20)], groups, 50)
    file = tmp_path / "run/bigram" / rows_file(1)
    data = bytearray(file.read_bytes())
    data[40:60] = bytes(255 - byte for byte in data[40:60])
    file.unlink() if damage == "missing" else file.write_bytes(bytes(data))
    with pytest.raises(RunError, match=r"bigram/rows-00001.parquet is damaged or missing: (?s:.*); count again"):
        added([run], groups)


@given(st.integers(1, 50), st.integers(1, 50), st.lists(st.integers(0, 999), min_size=1, max_size=30, unique=True))
def test_the_rows_of_a_group_are_those_that_are_numbered_so(rows_per_file, rows_per_group, rows):
    groups = RowGroups(rows_per_file, min(rows_per_file, rows_per_group))
    for row, group in zip(rows, groups.numbers(np.array(rows)).tolist(), strict=True):
        file, members = groups.rows_of(group)
        assert row in members
        assert file == row // rows_per_file
        assert (group, members.start) in list(groups.of_file(file))
