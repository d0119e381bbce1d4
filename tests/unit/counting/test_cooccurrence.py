"""A small unit by hand; the properties compare any unit with the loop over positions."""

import numpy as np
import pytest

from leadterm.counting import Statistic, count_unit
from support.row_streams import by_statistic, count_to_rows, keyed

WEIGHTS = np.array([600, 300, 200], dtype=np.int64)


def test_two_windows_by_hand():
    found = by_statistic(keyed(count_to_rows([[0, 1, 1, 2], [1, 0]], 4, WEIGHTS, 100)))
    assert found[Statistic.BIGRAM] == {(0, 1): 1, (1, 1): 1, (1, 2): 1, (1, 0): 1}
    assert found[Statistic.CONTEXT] == {
        (1, 0): 600 + 300,  # before the first 1 at t = 1, before the second at t = 2
        (1, 1): 300,
        (2, 0): 200,
        (2, 1): 400,
        (0, 1): 600,
    }
    assert found[Statistic.CURRENT_FREQUENCY] == {(0, 0): 1, (0, 1): 3}
    assert found[Statistic.CONTEXT_FREQUENCY] == {(0, 0): 1100, (0, 1): 300 + 400 + 600}


@pytest.mark.parametrize("windows", [[], [[]], [[3]], [[], [1], []]])
def test_windows_without_a_position_count_nothing(windows):
    found = by_statistic(keyed(count_to_rows(windows, 4, WEIGHTS, 100)))
    assert not any(found.values())


def test_a_wrong_type_is_refused_and_not_reinterpreted():
    tokens, offsets = np.array([0, 1]), np.array([0, 2])
    with pytest.raises(TypeError):
        list(count_unit(tokens, offsets, 2, WEIGHTS, 10))  # int64 tokens
