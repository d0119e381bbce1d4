import numpy as np
import pytest

from leadterm.counting import GroupSum, RowGroups, SparseRows
from leadterm.errors import CountOverflowError
from support.row_streams import pack, unpack


def test_rows_of_equal_number_are_summed_and_empty_ones_left_out():
    total = GroupSum(3, 4)
    total.add(pack([(10, {0: 1}), (12, {3: 2})]), 10)
    total.add(pack([(10, {0: 4, 2: 1})]), 10)
    assert unpack(total.drain(10)) == [(10, {0: 5, 2: 1}), (12, {3: 2})]
    assert not len(total.drain(10))


def test_the_next_group_begins_anew():
    total = GroupSum(2, 3)
    total.add(pack([(0, {1: 1}), (1, {2: 1})]), 0)
    total.drain(0)
    total.add(pack([(3, {1: 7})]), 2)
    assert unpack(total.drain(2)) == [(3, {1: 7})]


def test_two_halves_of_an_overflow_are_refused_by_row():
    total = GroupSum(2, 100)
    total.add(pack([(11, {5: 1, 99: 2**63 - 1})]), 10)
    with pytest.raises(CountOverflowError, match=r"row 11 does not fit 64 bits: lower counting\.scale_bits"):
        total.add(pack([(11, {99: 1})]), 10)


def test_the_largest_sum_that_fits():
    total = GroupSum(1, 2)
    total.add(pack([(0, {1: 2**62}), (0, {1: 2**62 - 1})]), 0)
    assert unpack(total.drain(0)) == [(0, {1: 2**63 - 1})]


def test_signed_sums_and_rows_that_cancel_out():
    total = GroupSum(3, 4, signed=True)
    for number, entries in ((1, [(0, 5), (2, -7)]), (1, [(2, 3)]), (2, [(1, 9)]), (2, [(1, -9)]), (3, [(3, -1)])):
        total.add(signed(number, entries), 1)
    rows = total.drain(1)
    assert (rows.keys.tolist(), rows.offsets.tolist()) == ([1, 3], [0, 2, 3])
    assert (rows.columns.tolist(), rows.values.tolist()) == ([0, 2, 3], [5, -4, -1])


def signed(number, entries):
    columns, values = zip(*entries, strict=True)
    ends = np.array([0, len(entries)], dtype=np.int64)
    return SparseRows(np.array([number]), ends, np.array(columns, dtype=np.int32), np.array(values, dtype=np.int64))


def test_rows_that_lie_in_memory_nobody_may_write():
    rows = pack([(0, {0: 1}), (0, {0: 2})])  # as those of a mapped file do
    for array in rows.arrays:
        array.flags.writeable = False
    total = GroupSum(1, 1)
    total.add(rows, 0)
    assert unpack(total.drain(0)) == [(0, {0: 3})]


@pytest.mark.parametrize("rows_per_file", [1, 2, 7, 64])
@pytest.mark.parametrize("n_columns", [1, 2**18, 2**19, 2**20, 2**22])
def test_groups_divide_files_and_hold_consecutive_rows(rows_per_file, n_columns):
    groups = RowGroups.divide(rows_per_file, n_columns)
    assert groups.rows_per_group == 1 or groups.rows_per_group * n_columns <= 2**20
    numbers = groups.numbers(np.arange(3 * rows_per_file))
    for file in range(3):
        inside = dict(groups.of_file(file))
        rows = range(file * rows_per_file, (file + 1) * rows_per_file)
        assert {int(numbers[row]) for row in rows} == set(inside)
        for row in rows:
            assert inside[int(numbers[row])] <= row < inside[int(numbers[row])] + groups.rows_per_group
    assert np.all(np.diff(numbers) >= 0)
