"""On a real cluster processes are killed, disks fill up and files change, at moments that a seed chooses.

After each fault there are the same bytes, at once or when the job was run again, or one clear error; never a count that
is wrong, or a product that looks whole and is not.
"""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from leadterm.config import load_config
from leadterm.pipeline.compose_weights.job import compose_weights
from leadterm.storage import Location, read_manifest
from support.cluster import running_cluster
from support.commands import content_hashes, environment, write_config
from support.leftovers import leftovers
from support.scenes import JOBS, Scene

SECONDS = 240
"""In which a job ends, on a machine that does much else."""


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
    before = (scene.folder / "driver.log").read_text().rpartition("already been counted")[0].rpartition("\n")[2]
    assert bool(finished) == (stage != "encode" and before.startswith("count ")), before
    (scene.folder / "driver.log").write_text("")


GPU = """
import torch
from leadterm.pipeline.compose_weights import job as compose
from leadterm.pipeline.compose_weights import cuda
compose.chosen_device, compose.resolve_device = lambda _: "cuda", lambda _: torch.device("cpu")
torch.cuda.get_device_name, cuda.WIDTH = str, 7
"""
"""Composing takes the CPU for a GPU."""


@pytest.mark.parametrize(("seed", "device"), [(20, "cpu"), (21, "cpu"), (22, "cuda")])
def test_a_composition_that_is_killed_goes_on(scene, tmp_path, seed, device, caplog, monkeypatch):
    """It runs on the driver alone, in a process of its own here."""
    caplog.set_level("INFO", "leadterm")
    run = scene.run(tmp_path / "run", "attention")
    expected, config = scene.expected["composed"], load_config(scene.config)
    shutil.rmtree(run / "composed")
    if device == "cuda":
        for name, value in (("chosen_device", "cuda"), ("resolve_device", torch.device("cpu"))):
            monkeypatch.setattr(f"leadterm.pipeline.compose_weights.job.{name}", lambda _, value=value: value)
        monkeypatch.setattr("torch.cuda.get_device_name", str)
        monkeypatch.setattr("leadterm.pipeline.compose_weights.cuda.WIDTH", 7)
        assert compose_weights(config, Location.of(run))
        expected = content_hashes(run)["composed"]
        shutil.rmtree(run / "composed")
    size = read_manifest(Location.of(run), "vocabulary").counts["vocabulary_size"]
    number = random.Random(seed).randrange(1, size // 7)
    script = f"""{GPU if device == "cuda" else ""}
import os, signal
from leadterm import config, storage as store
from leadterm.pipeline.compose_weights import job as compose
from leadterm.pipeline.compose_weights import cpu as blocks
from leadterm.pipeline.compose_weights import score_scratch as unfinished
unfinished.SAVE_SECONDS, blocks.divide_memory, save, saved = 0, lambda *_: (1, 7), unfinished.Unfinished.save, []
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
    assert compose_weights(config, Location.of(run))
    share = 100 * 7 * number / size
    assert f"compose scores: {share:.0f} % of the tokens had already been composed" in caplog.text
    assert content_hashes(run)["composed"] == expected
    assert not leftovers(run)


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
        assert (kind, message[:67]) == (
            "MachineError",
            "the output, or Spark's scratch folder (spark.local.dir), has become",
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
