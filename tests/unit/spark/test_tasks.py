"""How many tasks count, and which rows each is dealt."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from leadterm.pipeline.aggregation.row_groups import (
    RowGroup,
    assign_blocks,
    assign_row_groups,
    fill_units,
    number_of_tasks,
)
from leadterm.spark.tasks import assign, assign_places


@pytest.mark.parametrize(
    ("at_once", "unit_tokens", "tasks"),
    [(2, 1000, 2), (2, 50, 2), (2, 49, 4), (2, 33, 4), (2, 25, 4), (2, 24, 6), (3, 30, 6), (16, 1000, 16)],
)
def test_tasks_fit_the_memory_and_no_core_waits_in_the_last_round(at_once, unit_tokens, tasks):
    session = SimpleNamespace(sparkContext=SimpleNamespace(defaultParallelism=at_once))
    assert number_of_tasks(session, 100, unit_tokens) == tasks
    assert tasks * unit_tokens >= 100


def test_rows_are_divided_in_their_order_and_a_task_without_rows_is_left_out():
    rows = pa.RecordBatch.from_pydict({"place": list("abcde")})
    dealt = assign(rows, np.array([3, 0, 3, 0, 7]))
    assert [batch["place"].to_pylist() for batch in dealt] == [["b", "d"], ["a", "c"], ["e"]]
    assert [batch["place"].to_pylist() for batch in assign_places(list("abcde"), 2)] == [["a", "b"], ["c", "d"], ["e"]]
    blocks = [(statistic, block) for statistic in (0, 1) for block in range(3)]
    assert [batch["block"].to_pylist() for batch in assign_blocks(blocks, 2)] == [[0, 2, 1], [1, 0, 2]]
    assert len(assign_blocks(blocks, 64)) == len(blocks)


@pytest.mark.parametrize("n_tasks", [1, 3, 64])
def test_every_row_group_is_dealt_once_and_tasks_have_about_as_many_tokens(n_tasks):
    groups = [RowGroup(number, f"{number // 4}.parquet", number % 4, 5 + number % 3) for number in range(30)]
    dealt = assign_row_groups(groups, n_tasks)
    assert [group for batch in dealt for unit in fill_units(iter([batch]), 10**6) for group in unit] == groups
    tokens = [sum(batch["tokens"].to_pylist()) for batch in dealt]
    assert max(tokens) - min(tokens) <= 2 * 7
    assert len(dealt) <= n_tasks
