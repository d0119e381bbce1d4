"""On a real cluster processes are killed, disks fill up and files change, at moments that a seed chooses.

After each fault there are the same bytes, at once or when the job was run again, or one clear error; never a count that
is wrong, or a product that looks whole and is not.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from leadterm.compose import compose_weights
from leadterm.config import load_config
from leadterm.pipeline import run_jobs
from leadterm.store import Location, read_manifest
from leadterm.store.checking import check_run
from leadterm.store.matrices import AXES
from support.bad_input import put, texts
from support.cluster import Cluster, running_cluster
from support.commands import ROOT, content_hashes, environment, write_config

SENTENCES = ["the cat {0} sat on the mat", "a dog and {1} cats ran", "{0} birds, {1} fish and the sea", "so {2}"]
JOBS = {"encode": "encode_corpus", "count": "count_cooccurrences", "attention": "count_attention"}
GIVEN = {
    "encode": (),
    "count": ("sources", "vocabulary", "windows"),
    "attention": ("sources", "vocabulary", "windows", "bigram", "context", "frequencies", "composed"),
}
"""What a job is given, and beside it makes the rest."""
MADE = {"encode": GIVEN["count"], "count": ("bigram", "context", "frequencies"), "attention": ("query_key", "position")}
REACHED = {"encode": 8, "count": 40, "counted": 12}
"""How often a point is reached at least; those of merging as often as there are matrix files."""
SECONDS = 240
"""In which a job ends, on a machine that does much else."""


class Driver:
    """A driver on the cluster, whose executors know what is planned."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        path = os.pathsep.join([str(ROOT / "tests/support/planned_faults"), str(ROOT / "lib")])
        self.plan = folder / "plan.json"
        properties = {
            "spark.master": cluster.url,
            "spark.default.parallelism": 12,
            "spark.driver.memory": "1g",
            "spark.executor.memory": "600m",
            "spark.pyspark.python": sys.executable,
            "spark.executorEnv.PYTHONPATH": path,
            "spark.executorEnv.FAULTS": str(self.plan),
            "spark.executor.extraJavaOptions": os.environ.get("SPARK_SUBMIT_OPTS", ""),
            "spark.speculation": "true",
            "spark.speculation.quantile": 0.5,
            "spark.sql.shuffle.partitions": 3,
            "spark.sql.files.maxPartitionBytes": 2**15,
            "spark.ui.enabled": "false",
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

    def begin(self, config: Path, run: Path, job: str) -> None:
        """Begin a job."""
        self._process.stdin.write(json.dumps([str(config), str(run), [job]]) + "\n")
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
        run_jobs(load_config(self.config), Location.of(folder / "whole"))
        self.expected = content_hashes(folder / "whole")
        self._driver: Driver | None = None

    @property
    def driver(self) -> Driver:
        if self._driver is None or not self._driver.is_alive:
            self._driver = Driver(self.cluster, self.folder)
        return self._driver

    def run(self, place: Path, stage: str) -> Path:
        """Give a run that holds what a stage needs."""
        for product in GIVEN[stage]:
            shutil.copytree(self.folder / "whole" / product, place / product)
        return place

    def number(self, stage: str, point: str, seed: int) -> int:
        """Choose how often a point is reached before something happens."""
        made = [read_manifest(Location.of(self.folder / "whole"), name) for name in MADE[stage]]
        n_files = sum(len(one.files) for one in made if one.product in AXES)
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
        assert not list(run.glob(".*"))
        assert check_run(Location.of(run)).problems == ()

    def require_clean(self, run: Path, stage: str) -> None:
        """Check that nothing appeared that is not whole."""
        held = check_run(Location.of(run)) if GIVEN[stage] else None
        problems = [] if held is None else [one for one in held.problems if not one.startswith(".staging-")]
        assert problems == []
        assert set(content_hashes(run)) >= set(GIVEN[stage])


@pytest.fixture(scope="module")
def scene(spark, tmp_path_factory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "cluster").mkdir()
    with running_cluster(folder / "cluster") as cluster:
        found = Scene(cluster, folder)
        yield found
        if found._driver is not None:
            found._driver.kill()


@pytest.mark.parametrize(
    ("stage", "point", "action", "seed"),
    [
        ("encode", "encode", "executor", 1),
        ("encode", "encode", "python", 2),
        ("encode", "encode", "fail", 3),
        ("count", "count", "executor", 4),
        ("count", "count", "python", 5),
        ("count", "count", "fail", 6),
        ("count", "counted", "worker", 7),
        ("count", "count", "limit", 8),
        ("count", "merge", "executor", 9),
        ("count", "merged", "python", 10),
        ("count", "merge", "limit", 11),
        ("attention", "count", "worker", 12),
        ("attention", "merge", "fail", 13),
    ],
)
def test_what_fails_on_executors_is_done_again_and_counts_once(scene, tmp_path, stage, point, action, seed):
    number = scene.number(stage, point, seed)
    run = scene.run(tmp_path / "run", stage)
    signs = scene.plan(tmp_path, point, number, action)
    assert scene.do(run, stage) == []
    assert (signs / str(number)).exists(), "the fault did not happen"
    scene.require_same(run, stage)
    if action == "worker":
        scene.cluster.start_worker()


def test_a_speculative_copy_counts_once(scene, tmp_path):
    run = scene.run(tmp_path / "run", "count")
    signs = scene.plan(tmp_path, "count", 20, "slow")
    began = time.monotonic()
    assert scene.do(run, "count") == []
    assert time.monotonic() - began < 80, "the slow task, which sleeps for 90 s, was waited for"
    assert (signs / "20").exists()
    scene.require_same(run, "count")


@pytest.mark.parametrize(
    ("stage", "point", "seed"),
    [
        ("encode", "encode", 14),
        ("count", "count", 15),
        ("count", "counted", 16),
        ("count", "merge", 17),
        ("count", "merged", 18),
        ("attention", "counted", 19),
    ],
)
def test_a_driver_that_is_killed_goes_on_when_it_is_started_again(scene, tmp_path, stage, point, seed):
    number = scene.number(stage, point, seed)
    run = scene.run(tmp_path / "run", stage)
    signs = scene.plan(tmp_path, point, number, "hold")
    scene.driver.begin(scene.config, run, JOBS[stage])
    wait_for(signs / "held")
    scene.driver.kill()
    (scene.folder / "plan.json").unlink()
    scene.require_clean(run, stage)
    finished = list(run.glob(".staging-*/parts/sums-*"))
    assert scene.do(run, stage) == []
    scene.require_same(run, stage)
    before = (scene.folder / "driver.log").read_text().rpartition("counted before")[0].rpartition("\n")[2]
    assert bool(finished) == (stage != "encode" and before.startswith("count ")), before
    (scene.folder / "driver.log").write_text("")


@pytest.mark.parametrize("seed", [20, 21])
def test_a_composition_that_is_killed_goes_on(scene, tmp_path, seed, caplog):
    """It runs on the driver alone, in a process of its own here."""
    caplog.set_level("INFO", "leadterm")
    run = scene.run(tmp_path / "run", "attention")
    shutil.rmtree(run / "composed")
    size = read_manifest(Location.of(run), "vocabulary").counts["vocabulary_size"]
    number = random.Random(seed).randrange(1, size // 7)
    script = f"""
import os, signal
from leadterm import compose, config, store
from leadterm.composing import compose as blocks
from leadterm.store import unfinished
unfinished.SAVE_SECONDS, blocks.block_width, save, saved = 0, lambda *_: 7, unfinished.Unfinished.save, []
def killed(self, done):
    save(self, done)
    saved.append(done)
    if len(saved) == {number}:
        os.kill(os.getpid(), signal.SIGKILL)
unfinished.Unfinished.save = killed
compose.compose_weights(config.load_config({str(scene.config)!r}), store.Location.of({str(run)!r}))
"""
    killed = subprocess.run([sys.executable, "-c", script], env=environment(), check=False, timeout=SECONDS)
    assert killed.returncode == -signal.SIGKILL
    assert "composed" not in content_hashes(run)
    assert compose_weights(load_config(scene.config), Location.of(run))
    share = 100 * 7 * number / size
    assert f"compose scores: {share:.0f} % of the tokens were composed before" in caplog.text
    assert content_hashes(run)["composed"] == scene.expected["composed"]
    assert not list(run.glob(".*"))


def test_an_input_file_that_is_replaced_is_refused(scene, tmp_path):
    corpus = Path(shutil.copytree(scene.folder / "in", tmp_path / "in"))
    config = write_config(tmp_path / "a.yaml", str(corpus), windows={"length": 16, "files": 12})
    scene.plan(tmp_path, "encode", 2, "replace", file=str(corpus / "1.parquet"), by=str(corpus / "2.parquet"))
    kind, message = scene.do(tmp_path / "run", "encode", config)
    assert kind == "InputError"
    assert message.startswith(f"{corpus / '1.parquet'} changed while it was read: ")
    assert not (tmp_path / "run").exists()


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """Mount something at a place, which takes a privilege."""
    done = subprocess.run(["mount", *options, str(place)], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("this takes a user who may mount file systems")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("stage", ["count", "attention"])
def test_a_disk_that_fills_up_is_named_and_with_more_room_the_job_goes_on(scene, tmp_path, stage):
    (tmp_path / "disk").mkdir()
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        run = scene.run(tmp_path / "disk/run", stage)
        free = shutil.disk_usage(run).free - 2**16
        (tmp_path / "disk/filled").write_bytes(bytes(free))
        kind, message = scene.do(run, stage)
        assert (kind, message[:16]) == ("MachineError", "a disk is full: ")
        scene.require_clean(run, stage)
        (tmp_path / "disk/filled").unlink()
        assert scene.do(run, stage) == []
        scene.require_same(run, stage)


def test_an_output_that_becomes_read_only_is_named_and_goes_on_later(scene, tmp_path):
    run = scene.run(tmp_path / "run", "count")
    with mounted(run, "--bind", str(run)):
        signs = scene.plan(tmp_path, "counted", 6, "hold")
        scene.driver.begin(scene.config, run, JOBS["count"])
        wait_for(signs / "held")
        remount(run, "ro")
        (signs / "go on").touch()
        kind, message = scene.driver.answer()
        assert (kind, message[:63]) == (
            "MachineError",
            "the output, or Spark's scratch folder (spark.local.dir), became",
        )
        scene.require_clean(run, "count")
        remount(run, "rw")
        scene.driver.plan.unlink()
        assert scene.do(run, "count") == []
        scene.require_same(run, "count")


def remount(place: Path, how: str) -> None:
    """Change how a place is mounted, at a moment at which no file there is being written."""
    end = time.monotonic() + SECONDS
    while subprocess.run(["mount", "-o", f"remount,{how},bind", str(place)], check=False).returncode:
        assert time.monotonic() < end, place
        time.sleep(0.005)


def wait_for(place: Path) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + SECONDS
    while not place.exists():
        assert time.monotonic() < end, place
        time.sleep(0.02)
