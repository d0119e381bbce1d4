"""Matrices, windows and small tables, written and read back."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.store import Location, read_manifest, staging
from leadterm.store import windows as windows_module
from leadterm.store.matrices import read_matrix
from leadterm.store.windows import SCHEMA, read_row_groups, windows_file
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


def test_row_groups_of_windows_are_read_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(windows_module, "ROW_GROUP_TOKENS", 5)
    lists = [[1, 2, 3], [4, 5], [6, 7], [8, 9, 10, 11], [12, 13]]
    table = pa.table([range(5), pa.array([0] * 5, pa.int32()), pa.array(lists, SCHEMA.types[2])], schema=SCHEMA)
    folder = Location.of(tmp_path)
    for name in ("a", "b"):
        with windows_file(folder / name) as (file, _):
            file.append(table)
        assert file.group_entries == [5, 6, 2]
    tokens, offsets = read_row_groups(folder, [("a", 1, 6), ("a", 2, 2), ("b", 0, 5)])
    assert tokens.tolist() == [6, 7, 8, 9, 10, 11, 12, 13, 1, 2, 3, 4, 5]
    assert offsets.tolist() == [0, 2, 6, 8, 11, 13]
    assert (tokens.dtype, offsets.dtype) == (np.int32, np.int64)


def test_damage_inside_a_row_group_is_seen_by_its_checksum(tmp_path):
    place = Location.of(tmp_path) / "a"
    lists = np.random.default_rng(1).integers(0, 1000, size=(50, 10)).tolist()
    table = pa.table([range(50), pa.array([0] * 50, pa.int32()), pa.array(lists, SCHEMA.types[2])], schema=SCHEMA)
    with windows_file(place) as (file, _):
        file.append(table)
    column = pq.ParquetFile(place.path).metadata.row_group(0).column(2)
    data = bytearray((tmp_path / "a").read_bytes())
    data[column.data_page_offset + column.total_compressed_size - 9] ^= 1
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(OSError, match=r"(?i)crc|checksum|corrupt"):
        read_row_groups(Location.of(tmp_path), [("a", 0, 500)])
