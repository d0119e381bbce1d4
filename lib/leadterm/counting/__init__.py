"""Pure functions from windows to sparse rows: numba kernels, no Spark, no torch."""

from leadterm.counting.attention import TERM_BITS, attention_unit
from leadterm.counting.checks import check_rows, check_windows
from leadterm.counting.fixed_point import check_no_overflow, reciprocal_weights
from leadterm.counting.memory import TaskMemory, places_of, plan_memory
from leadterm.counting.merging import GroupSum, RowGroups
from leadterm.counting.rows import SparseRows
from leadterm.counting.scores import ScoreRows, Scores
from leadterm.counting.units import ROW_BITS, Statistic, count_unit, row_key

__all__ = [
    "ROW_BITS",
    "TERM_BITS",
    "GroupSum",
    "RowGroups",
    "ScoreRows",
    "Scores",
    "SparseRows",
    "Statistic",
    "TaskMemory",
    "attention_unit",
    "check_no_overflow",
    "check_rows",
    "check_windows",
    "count_unit",
    "places_of",
    "plan_memory",
    "reciprocal_weights",
    "row_key",
]
