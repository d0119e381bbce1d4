import numpy as np
import pytest

from leadterm.counting import SparseRows, Statistic, row_key
from support.row_streams import pack, unpack

ROWS = [(2, {0: 5, 3: 6}), (4, {}), (5, {1: 1}), (9, {0: 2, 1: 3, 2: 4})]


@pytest.mark.parametrize("start", [None, 0, 1, 3, 4, 9, -1, -4])
@pytest.mark.parametrize("stop", [None, 0, 2, 3, 4, 9, -1])
def test_slices_are_those_of_a_list(start, stop):
    part = pack(ROWS)[start:stop]
    assert unpack(part) == ROWS[start:stop]
    assert len(part) == len(ROWS[start:stop])
    assert part.offsets[0] == 0
    assert len(part.offsets) == len(part) + 1
    assert part.n_nonzeros == len(part.columns) == len(part.values) == sum(len(row) for _, row in ROWS[start:stop])
    assert part.total() == sum(value for _, row in ROWS[start:stop] for value in row.values())


def test_slices_of_slices_and_no_copy():
    rows = pack(ROWS)
    assert unpack(rows[1:][1:][:1]) == ROWS[2:3]
    assert np.shares_memory(rows[1:].values, rows.values)
    assert np.shares_memory(rows[1:].columns, rows.columns)


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
@pytest.mark.parametrize("value", [2**62, 2**63 - 1, 2**32 - 1, 2**32, 1])
def test_totals_are_exact_where_int64_would_wrap(count, value):
    rows = pack([(0, dict.fromkeys(range(count), value))])
    assert rows.total() == count * value
    assert isinstance(rows.total(), int)


def test_nothing():
    rows = pack([])
    assert (len(rows), rows.n_nonzeros, rows.total()) == (0, 0, 0)
    assert unpack(rows[:]) == []
    room = SparseRows.empty(3, 10)
    assert (len(room), room.columns.size, room.values.size, room.offsets.tolist()) == (3, 10, 10, [0, 0, 0, 0])


def test_keys_sort_by_statistic_then_row():
    rows = np.array([0, 1, 2**31 - 1, 2**32 - 1])
    keys = np.concatenate([row_key(statistic, rows) for statistic in Statistic])
    assert keys.dtype == np.int64
    assert np.all(np.diff(keys) > 0)
    assert keys[0] == 0
    assert len({*keys.tolist()}) == len(keys)
