"""Scores that are looked up beforehand, where slots run out of numbers: more entries are noted than uint32 counts."""

import numpy as np

from leadterm.counting.score_gather import gather_scores, group_by_next
from leadterm.counting.score_rows import LAST_NUMBER, ScoreRows


def test_what_was_noted_before_the_slots_began_anew_is_not_taken_for_a_score():
    """Only row 0 has an entry in the last column, the others have one in every other column.

    If numbers just wrapped, what row 0 noted there would be among the numbers of the row that is asked for it.
    """
    size = 2**17
    lengths = np.full(size, size - 1)
    lengths[0] = size
    n_rows = 1 - (-LAST_NUMBER // (size - 1))
    columns, first = np.arange(size, dtype=np.int32), np.zeros(size, dtype=np.int64)
    matrix = ScoreRows(columns, np.linspace(1.0, 2.0, size), first, first, lengths)
    windows = np.array([np.full(n_rows, size - 2), np.arange(n_rows)], dtype=np.int32).T
    windows[-1, 0] = size - 1
    tokens, starts = np.ravel(windows), np.arange(0, 2 * n_rows, 2, dtype=np.int32)

    grouped = group_by_next(tokens, starts, starts, np.zeros(n_rows, dtype=np.int64), size)
    gathered, dense = np.zeros(2 * n_rows), np.full(size, np.nan)
    gather_scores(tokens, *grouped, matrix.arrays, dense, np.empty(size, dtype=np.uint32), gathered)
    assert (gathered[:-2] == matrix.values[size - 2]).all(), "a score, and its mean"
    assert np.isnan(gathered[-2:]).all()
