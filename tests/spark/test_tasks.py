"""Rows reach the task that they were assigned to, whether they travel with the work or are shuffled."""

import numpy as np
import pyarrow as pa
import pytest

from leadterm.spark import tasks as dealing

REPORTS = pa.schema([("first", pa.string()), ("rows", pa.int64()), ("numbers", pa.list_(pa.int64()))])


def report(batches):
    """Say which rows a task was given."""
    rows = [row for batch in batches for row in batch.select(["number", "name"]).to_pylist()]
    numbers = [row["number"] for row in rows]
    yield pa.RecordBatch.from_pylist([{"first": rows[0]["name"], "rows": len(rows), "numbers": numbers}], REPORTS)


@pytest.mark.parametrize("few_bytes", [0, 2**20], ids=["shuffled", "with the work"])
def test_each_task_is_given_its_rows_and_reports_come_in_order(spark, monkeypatch, few_bytes):
    monkeypatch.setattr(dealing, "FEW_BYTES", few_bytes)
    task = np.random.default_rng(1).integers(0, 7, 40)
    rows = pa.RecordBatch.from_pydict({"number": list(range(40)), "name": [f"row {number}" for number in range(40)]})
    found = dealing.run_tasks(spark, "report rows", dealing.assign(rows, task), report, REPORTS)
    expected = [np.flatnonzero(task == number).tolist() for number in range(7)]
    assert found.schema == REPORTS
    assert [sorted(numbers) for numbers in found["numbers"].to_pylist()] == expected
    assert found["rows"].to_pylist() == [len(numbers) for numbers in expected]
    assert found["first"].to_pylist() == [f"row {numbers[0]}" for numbers in found["numbers"].to_pylist()]
