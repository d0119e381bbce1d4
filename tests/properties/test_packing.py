"""Rows come back from the bytes they were packed into, whatever their columns and values; other bytes are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadterm.counting import SparseRows
from leadterm.counting.row_codec import LARGEST_ENTRY, SLACK, pack, unpack

LARGEST_COLUMN, INT64 = 2**31 - 1, st.integers(-(2**63), 2**63 - 1)
POWERS = st.integers(0, 63).flatmap(lambda bits: st.sampled_from([2**bits - 1, -(2**bits)]))
COLUMNS = st.sets(st.integers(0, LARGEST_COLUMN) | st.integers(0, 300), max_size=12)
ROW = COLUMNS.flatmap(
    lambda columns: st.tuples(st.just(sorted(columns)), st.tuples(*[INT64 | POWERS for _ in columns]))
)


@st.composite
def sparse_rows(draw):
    """Rows of few entries, some of none, with columns and values of every length in bytes."""
    rows = draw(st.lists(ROW, min_size=1, max_size=5))
    offsets = np.cumsum([0, *(len(columns) for columns, _ in rows)], dtype=np.int64)
    columns, values = ([entry for row in rows for entry in row[part]] for part in (0, 1))
    keys = np.arange(len(rows), dtype=np.int64) << 33
    return SparseRows(keys, offsets, np.array(columns, dtype=np.int32), np.array(values, dtype=np.int64))


@given(sparse_rows())
def test_rows_come_back(rows):
    packed = pack(rows)
    assert len(packed) <= LARGEST_ENTRY * rows.n_nonzeros + SLACK
    found = unpack(packed, rows.keys, np.diff(rows.offsets))
    for one, other in zip(found.arrays, rows.arrays, strict=True):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()


@given(sparse_rows(), st.integers(0, 3))
def test_a_part_of_larger_rows_is_packed_as_if_it_were_alone(rows, first):
    part = rows[min(first, len(rows)) :]
    assert pack(part).tolist() == pack(part.copy()).tolist()


@given(sparse_rows(), st.integers(1, 40), st.binary(max_size=30))
def test_too_few_bytes_and_too_many_are_refused(rows, cut, more):
    packed = pack(rows)
    if len(packed) - cut > SLACK:
        with pytest.raises(ValueError, match=r"bytes are not [\d,]+ packed entries of a matrix"):
            unpack(packed[:-cut], rows.keys, np.diff(rows.offsets))
    if more:
        with pytest.raises(ValueError, match="packed entries of a matrix"):
            unpack(np.append(packed, np.frombuffer(more, np.uint8)), rows.keys, np.diff(rows.offsets))


def test_small_distances_and_values_take_two_bytes():
    columns, values = np.array([0, 8, 9, 17], dtype=np.int32), np.array([1, -64, 63, 5])
    rows = SparseRows(np.zeros(1, dtype=np.int64), np.array([0, 4]), columns, values)
    assert pack(rows)[:-SLACK].tolist() == [0, 2, 7, 127, 0, 126, 7, 10]
