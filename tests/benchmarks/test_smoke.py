"""The benchmark runs from end to end on a little text, so that it cannot rot; its figures mean nothing here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import gate

ROOT = Path(__file__).parents[2]
SIZES = ["--tokens", "6000", "--sql-tokens", "3000", "--onehot-tokens", "1000"]
QUICK = ["--repeats", "1", "--packages", "tqdm", "--one-process"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole tiny benchmark."""
    folder = tmp_path_factory.mktemp("bench")
    places = ["--data", str(folder / "data"), "--output", str(folder / "results")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT / "lib")])}
    command = [sys.executable, "-m", "benchmarks.run", *SIZES, *QUICK, *places]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "results"


@pytest.mark.slow
def test_the_benchmark_measures_everyone(results: Path) -> None:
    found = json.loads((results / "benchmark.json").read_text())
    assert len(found["accuracy"]) == 3
    assert {one["contender"] for one in found["measurements"].values()} == {"leadterm", *found["ratios"]}
    assert all(one["memory"]["total"] > 0 for one in found["measurements"].values())
    assert found["floor"]["share"] > 0
    stages = found["measurements"]["large"]["stages"]
    assert sum(stage["shuffle_write_bytes"] for stage in stages) > 0
    assert "so many times as fast" in (results / "benchmark.txt").read_text()


def test_the_gate_refuses_wrong_weights() -> None:
    with pytest.raises(gate.GateError, match="rounding"):
        gate._require_small(2 * gate.TOLERANCE, "a peer's weights")


def test_the_gate_refuses_other_counts() -> None:
    ours = gate.csr_array(np.eye(3, dtype=np.int64))
    with pytest.raises(gate.GateError, match="count differently"):
        gate._require_equal(ours, 2 * ours, "a peer")
