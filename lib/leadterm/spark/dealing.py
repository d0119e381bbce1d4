"""Deals the windows of a run out to tasks, row group by row group."""

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from leadterm.spark.counting import UNITS
from leadterm.store import Manifest


def deal_out(session: SparkSession, windows: Manifest, n_tasks: int) -> DataFrame:
    """Give every task row groups of the windows with about as many tokens as every other."""
    groups = [
        (entry.name, group, tokens)
        for entry in windows.files
        for group, tokens in enumerate(entry.details.get("row_group_tokens", ()))
    ]
    n_tasks = min(n_tasks, len(groups))
    tokens = np.array([tokens for *_, tokens in groups], dtype=np.int64)
    middle = np.cumsum(tokens) - tokens / 2
    task = np.minimum(middle * n_tasks // tokens.sum(), n_tasks - 1).astype(np.int32)
    names, numbers, _ = zip(*groups, strict=True)
    table = pa.table(
        {"task": task, "file": pa.array(names), "row_group": pa.array(numbers, pa.int32()), "tokens": tokens}
    )
    return session.createDataFrame(table, UNITS).repartitionById(n_tasks, "task")


def number_of_tasks(session: SparkSession, windows: Manifest, unit_tokens: int) -> int:
    """Say how many tasks count: what the cluster runs at once, or as many as memory asks for."""
    n_tokens = int(windows.counts["positions"] + windows.counts["windows"])
    return max(int(session.sparkContext.defaultParallelism), -(-n_tokens // unit_tokens))
