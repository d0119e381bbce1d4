"""A cluster on which faults are planned: its driver, a corpus, and the run that never met a fault."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from leadterm.catalog.jobs import COUNTING
from leadterm.catalog.products import Product
from leadterm.config import load_config
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location, read_manifest
from leadterm.storage.integrity.check_run import check_run
from support.bad_input import put, texts
from support.cluster import Cluster
from support.commands import ROOT, content_hashes, environment, write_config
from support.leftovers import leftovers
from support.quick_spark import UNCOMPILED

SENTENCES = ["the cat {0} sat on the mat", "a dog and {1} cats ran", "{0} birds, {1} fish and the sea", "so {2}"]
JOBS = {"encode": "encode_corpus", "count": "count_cooccurrences", "attention": "count_attention"}
GIVEN = {
    "encode": (),
    "count": ("sources", "documents", "vocabulary", "windows"),
    "attention": ("sources", "documents", "vocabulary", "windows", "bigram", "context", "frequencies", "composed"),
}
"""What a job is given, and beside it makes the rest."""
MADE = {"encode": GIVEN["count"], "count": ("bigram", "context", "frequencies"), "attention": ("query_key", "position")}
REACHED = {"encode": 8, "count": 40, "counted": 12}
"""How often a point is reached at least; those of merging as often as there are matrix files."""


MANY_TASKS = {"spark.default.parallelism": 12, "spark.speculation": "true", "spark.speculation.quantile": 0.5}
"""So that some are done when a fault happens to one."""


class Driver:
    """A driver on the cluster, whose executors know what is planned; ``more`` are Spark properties."""

    def __init__(self, cluster: Cluster, folder: Path, **more: object) -> None:
        path = os.pathsep.join([str(ROOT / name) for name in ("tests/support/planned_faults", "lib", "tests")])
        self.plan = folder / "plan.json"
        properties = {
            "spark.master": cluster.url,
            "spark.driver.memory": "1g",
            "spark.executor.memory": "600m",
            "spark.pyspark.python": sys.executable,
            "spark.executorEnv.PYTHONPATH": path,
            "spark.executorEnv.FAULTS": str(self.plan),
            "spark.executor.extraJavaOptions": os.environ.get("SPARK_SUBMIT_OPTS", ""),
            "spark.python.unix.domain.socket.enabled": "true",
            "spark.sql.shuffle.partitions": 3,
            "spark.sql.files.maxPartitionBytes": 2**15,
            "spark.ui.enabled": "false",
            **UNCOMPILED,
            "spark.python.daemon.module": "support.warm_workers",
            **more,
        }
        self.log = (folder / "driver.log").open("a")
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "tests/support/driver.py", json.dumps(properties)],
            env=environment(PYTHONPATH=str(ROOT / "lib")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,
        )
        assert self.answer() == []

    def begin(self, config: Path, run: Path, job: str, files: Sequence[Path] = ()) -> None:
        """Begin a job, or to add files."""
        self._process.stdin.write(json.dumps([str(config), str(run), job, list(map(str, files))]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> list[str]:
        """Wait for the error that the job ended with, if it did."""
        return json.loads(self._process.stdout.readline())

    def kill(self) -> None:
        """Kill the driver, its Java too, as a machine that is switched off does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self.log.close()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None


class Scene:
    """A cluster, a corpus, the run that never met a fault, and the driver that is there."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        for file in range(4):
            rows = [SENTENCES[n % 4].format(n, n * n, n * file) * (n % 7) for n in range(400)]
            put(folder / f"in/{file}.parquet", texts(rows), row_group_size=100)
        self.config = write_config(folder / "a.yaml", str(folder / "in"), windows={"length": 16, "files": 12})
        run_jobs(load_config(self.config), Location.of(folder / "whole"), COUNTING)
        self.expected = content_hashes(folder / "whole")
        self._driver: Driver | None = None

    @property
    def driver(self) -> Driver:
        if self._driver is None or not self._driver.is_alive:
            self._driver = Driver(self.cluster, self.folder, **MANY_TASKS)
        return self._driver

    def run(self, place: Path, stage: str) -> Path:
        """Give a run that holds what a stage needs."""
        for product in GIVEN[stage]:
            shutil.copytree(self.folder / "whole" / product, place / product)
        return place

    def number(self, stage: str, point: str, seed: int) -> int:
        """Choose how often a point is reached before something happens."""
        made = [read_manifest(Location.of(self.folder / "whole"), name) for name in MADE[stage]]
        n_files = sum(len(one.files) for one in made if Product(one.product).pairs and one.product != Product.COMPOSED)
        return random.Random(seed).randrange(REACHED.get(point, n_files))

    def plan(self, place: Path, point: str, number: int, action: str, **more: str) -> Path:
        """Plan a fault; returns the folder of its signs."""
        signs = place / f"signs-{point}-{action}"
        signs.mkdir()
        plan = {"point": point, "number": number, "action": action, "signs": str(signs), **more}
        self.driver.plan.write_text(json.dumps(plan))
        return signs

    def do(self, run: Path, stage: str, config: Path | None = None) -> list[str]:
        """Run a stage to its end, and forget the plan."""
        self.driver.begin(config or self.config, run, JOBS[stage])
        answer = self.driver.answer()
        self.driver.plan.unlink(missing_ok=True)
        return answer

    def require_same(self, run: Path, stage: str) -> None:
        """Compare with the run that never met a fault; nothing else may be there."""
        found = content_hashes(run)
        assert {name: found[name] for name in MADE[stage]} == {name: self.expected[name] for name in MADE[stage]}
        assert not leftovers(run)
        assert check_run(Location.of(run)).problems == ()

    def require_clean(self, run: Path, stage: str) -> None:
        """Check that nothing appeared that is not whole."""
        held = check_run(Location.of(run)) if GIVEN[stage] else None
        problems = [] if held is None else [one for one in held.problems if not one.startswith(".staging-")]
        assert problems == []
        assert set(content_hashes(run)) >= set(GIVEN[stage])
