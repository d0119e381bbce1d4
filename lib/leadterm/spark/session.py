"""Starts Spark, or joins the one that spark-submit started, with settings that suit Arrow batches."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from leadterm.spark.java import find_java

DEFAULTS: dict[str, str] = {
    # Batches by bytes: documents differ in length by orders of magnitude.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(16 * 2**20),
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    # A split is a fixed number of bytes, so that rows do not move between splits with the number of cores.
    "spark.sql.files.maxPartitionBytes": str(32 * 2**20),
    "spark.ui.showConsoleProgress": "false",
}
"""Properties that apply where neither spark-submit nor the config set them."""

LOCAL_DEFAULTS: dict[str, str] = {
    "spark.driver.memory": "4g",
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties')}",
}
"""Properties for a driver that is its own cluster: its heap holds the shuffle too."""


def start_session(name: str, properties: Mapping[str, object] | None = None) -> SparkSession:
    """Start or join a Spark session.

    Parameters
    ----------
    name
        What the cluster's pages show.
    properties
        Spark properties of the config; those that spark-submit was given win over them.

    Returns
    -------
    SparkSession
        No master is set here: spark-submit's, or ``local[*]`` where there is none.

    Raises
    ------
    MachineError
        If there is no Java that Spark can use.
    """
    os.environ["JAVA_HOME"] = str(find_java())
    submitted = _submitted_properties()
    local = submitted.get("spark.master", "local").startswith("local")
    if local:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    wanted = {**DEFAULTS, **(LOCAL_DEFAULTS if local else {}), **{k: _text(v) for k, v in (properties or {}).items()}}
    builder = SparkSession.builder.appName(name)
    for key, value in wanted.items():
        if key not in submitted:
            builder = builder.config(key, value)
    return builder.getOrCreate()


def _submitted_properties() -> dict[str, str]:
    """Properties that are set already: by spark-submit, or by a session that runs in this process."""
    active = SparkSession.getActiveSession()
    if active is not None:
        return dict(active.sparkContext.getConf().getAll())
    return dict(SparkConf(_jvm=SparkContext._jvm).getAll()) if SparkContext._jvm else {}


def _text(value: object) -> str:
    """Write a property's value as Spark reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
