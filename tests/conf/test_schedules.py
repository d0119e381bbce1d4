"""The schedules that are shipped are what Airflow and Kubeflow's Spark operator take, and submit jobs that exist."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kubeflow_spark_api.models.spark_v1beta2_scheduled_spark_application import SparkV1beta2ScheduledSparkApplication
from pydantic import BaseModel

from leadterm import cli
from support.bad_input import TEXTS, put, texts
from support.commands import ROOT, call, write_config

MANIFEST = yaml.safe_load((ROOT / "conf/schedule/kubernetes.yaml").read_text())
AIRFLOW = ROOT / ".venv/airflow"
"""Where `make airflow` puts it: apart, because one of its hundred packages brings files of another PySpark."""
DAG = ROOT / "conf/schedule/airflow.py"
LOOK = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("schedule", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dag = module.dag
from airflow.serialization.serialized_objects import DagSerialization
DagSerialization.to_dict(dag)
count = dag.get_task("count")
print("FOUND", json.dumps({
    "order": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "once": [dag.max_active_runs, dag.catchup],
    "bash": dag.get_task("check").bash_command,
    "command": count._get_hook()._build_spark_submit_command(count.application),
}))
"""


def unknown_fields(model: BaseModel, given: dict, path: str = "") -> list[str]:
    """Name what is given and is not kept by a model, which its classes do not refuse by themselves."""
    kept = {field.alias or name: getattr(model, name) for name, field in type(model).model_fields.items()}
    found = [f"{path}{key}" for key in given if key not in kept]
    for key, value in given.items():
        if isinstance(kept.get(key), BaseModel):
            found += unknown_fields(kept[key], value, f"{path}{key}.")
    return found


def parsed(manifest: dict) -> BaseModel:
    return SparkV1beta2ScheduledSparkApplication.model_validate(manifest)


def test_the_operator_s_own_classes_take_the_manifest():
    assert unknown_fields(parsed(MANIFEST), MANIFEST) == []
    spec = MANIFEST["spec"]
    # What the definition's enumerations allow, which the classes take as text.
    assert spec["concurrencyPolicy"] in ("Allow", "Forbid", "Replace")
    assert spec["template"]["type"] in ("Java", "Python", "Scala", "R")
    assert spec["template"]["mode"] in ("cluster", "client")
    assert spec["template"]["restartPolicy"]["type"] in ("Never", "Always", "OnFailure")


def test_what_the_operator_does_not_take_is_found():
    template = MANIFEST["spec"]["template"]
    executor = {**template["executor"], "memoryOverhed": "1g"}
    wrong = {**MANIFEST, "spec": {**MANIFEST["spec"], "template": {**template, "executor": executor}}}
    assert unknown_fields(parsed(wrong), wrong) == ["spec.template.executor.memoryOverhed"]
    wrong["spec"]["template"]["executor"] = {**template["executor"], "instances": "16"}
    with pytest.raises(ValueError, match="instances"):
        parsed(wrong)


def test_the_manifest_submits_a_job_with_its_arguments(capsys):
    template = MANIFEST["spec"]["template"]
    assert (ROOT / "jobs" / Path(template["mainApplicationFile"]).name).exists()
    assert_the_job_takes(template["arguments"], capsys)
    assert template["arguments"][1] in {Path(file).name for file in template["deps"]["files"]}
    assert template["sparkVersion"] == template["image"].partition(":")[2]
    assert f"pyspark=={template['sparkVersion']}" in (ROOT / "conf/constraints.txt").read_text().split()


def test_the_manifest_says_what_the_settings_for_kubernetes_say():
    lines = (ROOT / "conf/spark/kubernetes.conf").read_text().splitlines()
    settings = dict(line.split() for line in lines if line.startswith("spark."))
    conf = MANIFEST["spec"]["template"]["sparkConf"]
    assert {key: settings[key] for key in conf} == conf
    for part in ("driver", "executor"):
        assert MANIFEST["spec"]["template"][part]["memory"] == settings[f"spark.{part}.memory"]
        assert MANIFEST["spec"]["template"][part]["memoryOverhead"] == settings[f"spark.{part}.memoryOverhead"]


def assert_the_job_takes(arguments, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.job_main("run_pipeline", [*arguments, "--help"])
    usage = capsys.readouterr().out
    assert not [word for word in arguments if word.startswith("--") and word not in usage]


@pytest.mark.slow
@pytest.mark.skipif(not AIRFLOW.exists(), reason="make airflow brings Airflow, which takes half a gigabyte")
def test_airflow_takes_the_schedule_and_its_command_makes_a_run(tmp_path):
    """The command that Airflow puts together is run as it is, but for the cluster, which is this machine."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("jobs", "conf", "lib"):
        (home / name).symlink_to(ROOT / name)
    (home / ".venv").symlink_to(sys.prefix)
    put(tmp_path / "in/a.parquet", texts(TEXTS))
    write_config(home / "nightly.yaml", str(tmp_path / "in"))
    settings = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONN_SPARK_DEFAULT": "spark://local[2]",
        "LEADTERM_HOME": str(home),
        "LEADTERM_OUTPUT": str(tmp_path / "run"),
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [AIRFLOW / "bin/python", "-c", LOOK, DAG],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    found = json.loads(line.partition(" ")[2])
    assert found["order"] == {"count": ["check"], "check": []}
    assert found["once"] == [1, False]
    command = found["command"]
    archive = command.index("--archives")
    assert command[archive + 1] == f"{home}/environment.tar.gz#environment"
    del command[archive : archive + 2]
    command[command.index("--master") + 1] = "local[2]"
    events = tmp_path / "events"
    events.mkdir()
    command[1:1] = ["--conf", f"spark.eventLog.dir={events}", "--conf", f"spark.pyspark.python={sys.executable}"]
    done = call(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = call(["sh", "-c", found["bash"]], tmp_path)
    assert "is whole" in checked.stdout, checked.stderr
    assert list(events.iterdir())
