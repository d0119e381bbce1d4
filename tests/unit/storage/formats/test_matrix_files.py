"""Matrices, windows and small tables, written and read back."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.storage import Location, read_manifest, staging
from leadterm.storage.formats.matrix_files import read_matrix
from support.naive_counts import entries
from support.row_streams import pack
from support.written_runs import write_matrix

BIGGEST = 2**63 - 1


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(0, {0: 1})],
        [(9, {9: BIGGEST})],
        [(0, {0: BIGGEST, 9: 1}), (3, {3: 1}), (4, {1: 2**40, 2: 1, 3: BIGGEST}), (8, {0: 7})],
    ],
)
def test_a_matrix_comes_back(tmp_path, rows):
    run = Location.of(tmp_path / "run")
    with staging(run) as stage:
        write_matrix(stage, "context", pack(rows), 10, 32)
    found = read_matrix(run, read_manifest(run, "context"))
    assert found.shape == (10, 10)
    assert found.dtype == np.int64
    assert entries(found) == {(row, column): value for row, nonzeros in rows for column, value in nonzeros.items()}


def test_any_parquet_reader_opens_a_matrix(tmp_path):
    run = Location.of(tmp_path / "run")
    with staging(run) as stage:
        write_matrix(stage, "context", pack([(0, {1: 5, 3: 6}), (1, {0: 7})]), 4, 21)
    table = pq.read_table(tmp_path / "run" / "context" / "rows-00000.parquet")
    assert table.to_pylist() == [{"row": 0, "cols": [1, 3], "values": [5, 6]}, {"row": 1, "cols": [0], "values": [7]}]
    assert table.schema.field("row").type == pa.int32()
    assert table.schema.metadata == {
        b"leadterm.matrix": b"context",
        b"leadterm.axes": b"NEXT x CONTEXT",
        b"leadterm.shape": b"4 x 4",
        b"leadterm.scale_bits": b"21",
    }
