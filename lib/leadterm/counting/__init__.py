"""Pure functions from windows to sparse rows: numba kernels, no Spark, no torch."""

from typing import TYPE_CHECKING

from leadterm.catalog.products import Statistic
from leadterm.lazy_names import lazy_names

if TYPE_CHECKING:
    from leadterm.counting.attention_terms import TERM_BITS, attention_unit
    from leadterm.counting.cooccurrence import ROW_BITS, count_unit, row_key
    from leadterm.counting.fixed_point import check_no_overflow, reciprocal_weights
    from leadterm.counting.memory_budget import TaskMemory, places_of, plan_memory
    from leadterm.counting.row_sums import GroupSum, RowGroups
    from leadterm.counting.score_rows import ScoreRows, Scores
    from leadterm.counting.sparse_rows import SparseRows
    from leadterm.counting.validation import check_rows, check_windows

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

__getattr__ = lazy_names(
    __name__,
    {
        "attention_terms": "TERM_BITS attention_unit",
        "cooccurrence": "ROW_BITS count_unit row_key",
        "fixed_point": "check_no_overflow reciprocal_weights",
        "memory_budget": "TaskMemory places_of plan_memory",
        "row_sums": "GroupSum RowGroups",
        "score_rows": "ScoreRows Scores",
        "sparse_rows": "SparseRows",
        "validation": "check_rows check_windows",
    },
)
