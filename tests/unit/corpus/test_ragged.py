import numpy as np
import pyarrow as pa
import pytest

from leadterm.corpus import Ragged, check_ids
from leadterm.errors import InputError

LISTS = [[3, 1], [], [2], [5, 6, 7]]


def as_lists(rows: Ragged) -> list[list[int]]:
    return [row.tolist() for row in rows]


def test_from_lists():
    rows = Ragged.from_lists(LISTS)
    assert (rows.values.dtype, rows.offsets.dtype) == (np.int32, np.int64)
    assert (len(rows), as_lists(rows), rows.lengths.tolist()) == (4, LISTS, [2, 0, 1, 3])
    assert (rows[-1].tolist(), rows[0].tolist(), repr(rows)) == ([5, 6, 7], [3, 1], "Ragged(4 lists, 6 values)")
    with pytest.raises(IndexError):
        rows[4]


def test_nothing():
    for lists in ([], [[]]):
        rows = Ragged.from_lists(lists)
        assert as_lists(rows) == lists
        assert as_lists(Ragged.from_arrow(rows.to_arrow())) == lists


@pytest.mark.parametrize("kind", [pa.list_(pa.int32()), pa.large_list(pa.int32()), pa.list_(pa.uint16())])
@pytest.mark.parametrize(("start", "length"), [(0, 4), (1, 2), (2, 2), (4, 0), (1, 0)])
def test_slices_of_arrow_arrays(kind, start, length):
    sliced = pa.array(LISTS, kind).slice(start, length)
    assert as_lists(Ragged.from_arrow(sliced)) == LISTS[start : start + length]


def test_chunks():
    chunks = pa.chunked_array([pa.array(LISTS[:1], pa.list_(pa.int32())), pa.array(LISTS[1:], pa.list_(pa.int32()))])
    assert as_lists(Ragged.from_arrow(chunks)) == LISTS
    assert as_lists(Ragged.from_arrow(pa.chunked_array([], pa.list_(pa.int32())))) == []


def test_arrow_both_ways_copies_no_value():
    array = pa.array(LISTS, pa.list_(pa.int32()))
    rows = Ragged.from_arrow(array.slice(2))
    back = rows.to_arrow()
    assert rows.values.ctypes.data == array.values.buffers()[1].address + 4 * 2
    assert back.values.buffers()[1].address == rows.values.ctypes.data
    assert back.type == pa.list_(pa.int32())
    assert back.to_pylist() == LISTS[2:]


def test_null_lists_and_null_ids():
    with pytest.raises(InputError, match=r"must not be null; found 1 null of 3 lists. Drop the null rows"):
        Ragged.from_arrow(pa.array([[1], None, [2]], pa.list_(pa.int32())))
    with pytest.raises(InputError, match=r"ids must not be null; found 1 null of 2 ids. Drop them"):
        Ragged.from_arrow(pa.array([[9], [1, None]], pa.list_(pa.int32())).slice(1))
    hidden = pa.array([None, [1, None], [2]], pa.list_(pa.int32())).slice(2)
    assert as_lists(Ragged.from_arrow(hidden)) == [[2]]


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.int32(), pa.list_(pa.list_(pa.int32()))])
def test_other_arrow_types(kind):
    with pytest.raises(InputError, match=r"must have the Arrow type list<integer>; found .*Name another column"):
        Ragged.from_arrow(pa.array([], kind))


def test_ids_that_do_not_fit():
    with pytest.raises(InputError, match=r"must fit int32 \(at most 2147483647\); found larger ones .*Renumber"):
        Ragged.from_arrow(pa.array([[2**31]], pa.list_(pa.int64())))
    with pytest.raises(InputError, match=r"must fit int32 \(at most 2147483647\); found 0 to 2147483648. Renumber"):
        Ragged.from_lists([[0, 2**31]])
    with pytest.raises(InputError, match="must be integers in flat lists; found an array of float64"):
        Ragged.from_lists([[0.5]])


@pytest.mark.parametrize(
    ("values", "offsets", "message"),
    [
        (np.zeros(1, np.int64), np.array([0, 1]), "The values of lists must be .* of int32; found int64 of shape"),
        ([1], np.array([0, 1]), "The values of lists must be .* of int32; found list"),
        (np.zeros(1, np.int32), np.array([0, 1], np.int32), "The offsets of lists must be .* of int64; found int32"),
        (np.zeros((1, 1), np.int32), np.array([0, 1]), r"found int32 of shape \(1, 1\)"),
        (np.zeros(2, np.int32), np.array([0, 1]), r"end at the number of values, 2; found \[0, 1\]"),
        (np.zeros(2, np.int32), np.array([1, 2]), r"start at 0 and .*found \[1, 2\]"),
        (np.zeros(0, np.int32), np.zeros(0, np.int64), "found none"),
        (np.zeros(2, np.int32), np.array([0, 3, 1, 2]), "must never decrease; found 3 before 1 at list 1"),
    ],
)
def test_arrays_that_do_not_fit(values, offsets, message):
    with pytest.raises(InputError, match=message):
        Ragged(values, offsets)


def test_more_values_than_an_arrow_list_array_holds(monkeypatch):
    rows = Ragged.from_lists(LISTS)
    monkeypatch.setattr("leadterm.corpus.ragged.INT32_MAX", 5)
    with pytest.raises(InputError, match=r"holds at most 5 values; found 6. Convert fewer lists at a time"):
        rows.to_arrow()


def test_ids_of_the_vocabulary():
    check_ids(Ragged.from_lists(LISTS), 8)
    check_ids(Ragged.from_lists([]), 1)
    for lists, found in ((LISTS, "1 to 7"), ([[-1, 2]], "-1 to 2")):
        with pytest.raises(InputError, match=rf"must be 0 to 6 .*found {found}. Set tokenizer.vocabulary_size"):
            check_ids(Ragged.from_lists(lists), 7)
