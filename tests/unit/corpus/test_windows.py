import numpy as np
import pytest

from leadterm.corpus import Ragged, cut_windows
from leadterm.errors import InputError

DOCUMENTS = Ragged.from_lists([[], [1], [1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7]])


def test_tile():
    windows = cut_windows(DOCUMENTS, 3)
    assert [row.tolist() for row in windows.tokens] == [[1, 2], [1, 2, 3, 4], [1, 2, 3, 4], [4, 5, 6, 7]]
    assert windows.document.tolist() == [2, 3, 4, 4]
    assert windows.window.tolist() == [0, 0, 0, 1]
    assert windows.too_short.tolist() == [True, True, False, False, False]
    assert (len(windows), windows.n_positions) == (4, 10)


def test_first():
    windows = cut_windows(DOCUMENTS, 3, "first")
    assert [row.tolist() for row in windows.tokens] == [[1, 2, 3, 4], [1, 2, 3, 4]]
    assert windows.document.tolist() == [3, 4]
    assert windows.window.tolist() == [0, 0]
    assert windows.too_short.tolist() == [True, True, True, False, False]
    assert windows.n_positions == 6


def test_types_and_copies():
    windows = cut_windows(DOCUMENTS, 3)
    kinds = (windows.tokens.values, windows.tokens.offsets, windows.document, windows.window, windows.too_short)
    assert [array.dtype for array in kinds] == [np.int32, np.int64, np.int64, np.int32, np.bool_]
    assert not np.shares_memory(windows.tokens.values, DOCUMENTS.values)


@pytest.mark.parametrize("length", [0, -1, 65_537])
def test_length_out_of_range(length):
    with pytest.raises(InputError, match=f"length must be 1 to 65536 positions; found {length}. Set windows.length"):
        cut_windows(DOCUMENTS, length)


def test_unknown_policy():
    with pytest.raises(InputError, match=r"policy must be one of tile, first; found 'tiles'. Set windows.policy"):
        cut_windows(DOCUMENTS, 3, "tiles")
