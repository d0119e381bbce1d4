import numpy as np
import pytest

from leadterm.counting import RowMerger, SparseRows, Statistic, row_key
from leadterm.errors import CountOverflowError
from support.row_streams import pack, unpack


def test_an_open_row_waits_for_the_end():
    merger = RowMerger(3, 3)
    assert [unpack(rows) for rows in merger.add(pack([(1, {0: 1})]))] == []
    assert [unpack(rows) for rows in merger.add(pack([(1, {2: 4}), (2, {1: 1})]))] == [[(1, {0: 1, 2: 4})]]
    assert [unpack(rows) for rows in merger.finish()] == [[(2, {1: 1})]]
    assert list(merger.finish()) == []


def test_nothing_in_nothing_out():
    merger = RowMerger(1, 1)
    assert list(merger.add(pack([]))) == []
    assert list(merger.finish()) == []


def test_two_halves_of_an_overflow_are_refused_by_row():
    key = int(row_key(Statistic.CONTEXT, np.int64(11)))
    merger = RowMerger(100, 100)
    list(merger.add(pack([(key, {5: 1, 99: 2**63 - 1})])))
    with pytest.raises(CountOverflowError, match=r"row 11 does not fit 64 bits: lower counting\.scale_bits"):
        list(merger.add(pack([(key, {99: 1})])))


def test_the_largest_sum_that_fits():
    merger = RowMerger(2, 2)
    list(merger.add(pack([(0, {1: 2**62})] * 1 + [(0, {1: 2**62 - 1})])))
    assert [unpack(rows) for rows in merger.finish()] == [[(0, {1: 2**63 - 1})]]


def test_signed_sums_and_rows_that_cancel_out():
    merger = RowMerger(4, 4, signed=True)
    found = [
        *merger.add(signed(1, [(0, 5), (2, -7)])),
        *merger.add(signed(1, [(2, 3)])),
        *merger.add(signed(2, [(1, 9)])),
    ]
    found += [*merger.add(signed(2, [(1, -9)])), *merger.add(signed(3, [(3, -1)])), *merger.finish()]
    rows = [(rows.keys.tolist(), rows.columns.tolist(), rows.values.tolist()) for rows in found if len(rows)]
    assert rows == [([1], [0, 2], [5, -4]), ([3], [3], [-1])]


def signed(key, entries):
    columns, values = zip(*entries, strict=True)
    ends = np.array([0, len(entries)], dtype=np.int64)
    return SparseRows(np.array([key]), ends, np.array(columns, dtype=np.int32), np.array(values, dtype=np.int64))


def test_batches_that_lie_in_memory_nobody_may_write():
    rows = pack([(0, {0: 1}), (0, {0: 2})])  # as batches of the shuffle do
    for array in rows.arrays:
        array.flags.writeable = False
    merger = RowMerger(1, 1)
    assert list(merger.add(rows)) == []
    assert [unpack(found) for found in merger.finish()] == [[(0, {0: 3})]]
