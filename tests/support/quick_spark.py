"""Spark for tiny corpora: what it does once for many rows takes longer than the rows.

What users run, with Spark's own ways, is tested in ``tests/jobs`` and on the cluster.
"""

import os
from pathlib import Path

TESTS = Path(__file__).parents[1]
UNCOMPILED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""Java compiles no code for a query."""
QUICK = {
    "spark.sql.shuffle.partitions": "4",  # of the word count; 200 empty tasks would only take time
    **UNCOMPILED,
    "spark.python.daemon.module": "support.warm_workers",
    "spark.executorEnv.PYTHONPATH": f"{TESTS.parent / 'lib'}{os.pathsep}{TESTS}",  # Not another tree that is installed.
}
