"""Every night: bring a run up to date with its corpus, and check it. For Airflow 3.

Copy this file into Airflow's folder of DAGs. In LEADTERM_HOME, on the machine that Airflow's workers run on, it expects

- this repository with its .venv, whose spark-submit is on the workers' PATH,
- environment.tar.gz, what `make package` built, under a name that stays,
- nightly.yaml, the config.

The connection spark_default names the cluster. Where no file of the corpus changed, nothing is done, and the task ends
within a minute.
"""

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

HOME = os.environ.get("LEADTERM_HOME", "/opt/leadterm")
OUTPUT = os.environ.get("LEADTERM_OUTPUT", "s3://bucket/runs/nightly")

with DAG(
    "leadterm",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # Two drivers must not write one run at a time.
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
    doc_md=__doc__,
) as dag:
    count = SparkSubmitOperator(
        task_id="count",
        name="leadterm nightly",
        application=f"{HOME}/jobs/run_pipeline.py",
        # Without --overwrite a corpus with new files would be refused: the run holds another.
        application_args=["--config", f"{HOME}/nightly.yaml", "--output", OUTPUT, "--overwrite"],
        archives=f"{HOME}/environment.tar.gz#environment",
        properties_file=f"{HOME}/conf/spark/standalone.conf",  # Or yarn.conf: what the connection names.
        conf={"spark.pyspark.driver.python": f"{HOME}/.venv/bin/python"},
        deploy_mode="client",  # A retry resumes after the last complete product, wherever it runs.
    )
    check = BashOperator(
        task_id="check",
        bash_command=f"'{HOME}/.venv/bin/leadterm' check '{OUTPUT}'",
        retries=0,  # Bytes that are damaged stay so.
    )
    count >> check
