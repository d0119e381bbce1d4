"""A driver in a process of its own, with its own Java, that is killed while it works."""

import os
import signal
import subprocess
import sys

from support.commands import ROOT, environment
from support.quick_spark import QUICK

BEGIN = f"""
import os, signal
from leadterm.config import load_config
from leadterm.spark.session import spark_session
from leadterm.storage import Location
PROPERTIES = { ({"spark.master": "local[2]", "spark.driver.memory": "1g"} | QUICK)!r}
DRIVER = os.getpid()
def kill():
    os.killpg(DRIVER, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def run_killed(script: str) -> None:
    """Run a script in which somebody calls ``kill()``: the driver, or a task, which then dies too."""
    path = os.pathsep.join([str(ROOT / "lib"), str(ROOT / "tests")])
    ended = subprocess.run(
        [sys.executable, "-c", BEGIN + script],
        env=environment(PYTHONPATH=path),
        start_new_session=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == -signal.SIGKILL
