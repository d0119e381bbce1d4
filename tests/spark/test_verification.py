"""``leadterm verify`` and ``ablate`` on a run: the trained weights are the predicted ones, and their terms matter."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from leadterm import cli, open_run
from leadterm.config import load_config
from leadterm.errors import ConfigError, RunError, TrainingError
from leadterm.pipeline.verify_weights.job import Check
from support.jobs import run_both, write_files
from support.markov import markov_documents

SIZE, LENGTH = 30, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A corpus of ragged documents, and a configuration that trains on it."""
    documents = markov_documents(np.random.default_rng(3), 40, SIZE, (8, 40), 0.2)
    place = tmp_path_factory.mktemp("verification")
    write_files(place / "in", pa.array(documents, pa.list_(pa.int32())), 1, name="ids")
    settings = {
        "corpus": {"paths": [str(place / "in")], "ids_column": "ids"},
        "tokenizer": {"kind": "ids", "vocabulary_size": SIZE},
        "windows": {"length": LENGTH, "files": 2},
        "training": {"layers": 2, "learning_rate": 0.05, "steps": 6, "compare_at": [4, 6], "dtype": "float64"},
    }
    (place / "a.yaml").write_text(yaml.safe_dump(settings))
    return place


@pytest.fixture(scope="module")
def verified(spark, folder) -> Path:
    """The run, made and verified from the command line."""
    arguments = ["--config", str(folder / "a.yaml"), "--output", str(folder / "run")]
    assert cli.main(["verify", *arguments]) == 0
    return folder / "run"


def check_of(folder: Path, run: Path) -> Check:
    return Check.of(open_run(run), load_config(folder / "a.yaml"))


@pytest.mark.parametrize("order", [1, 2])
def test_another_optimizer_beside_the_paper(spark, folder, tmp_path, capsys, order):
    """All from one config: counts, attention terms, training by torch's Adam, table, picture and page."""
    settings = yaml.safe_load((folder / "a.yaml").read_text())
    adam = {"optimizer": "adam", "eps": 1e-6, "learning_rate": 1e-4, "steps": 4}
    settings["theory"] = {**adam, "order": order}
    settings["training"] |= {**adam, "compare_at": [4]}
    (tmp_path / "adam.yaml").write_text(yaml.safe_dump(settings))
    assert cli.main(["verify", "--config", str(tmp_path / "adam.yaml"), "--output", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().out
    assert "none speaks of Adam(betas=(0.9, 0.999), eps=1e-06): no bound is proved. s eta V is 0.012" in told
    rows = Check.of(open_run(tmp_path / "run"), load_config(tmp_path / "adam.yaml")).verify()
    by = {(row.prediction, row.weight, row.layer): row for row in rows}
    for weight, layer in [("output", None), *((w, n) for w in ("value", "query_key", "position") for n in (1, 2))]:
        of_order = "adam, next order" if order == 2 and weight in ("query_key", "position") else "adam"
        own, paper = by[of_order, weight, layer], by["gradient descent", weight, layer]
        assert own.cosine >= 0.999, own
        assert abs(own.norm_ratio - 1) <= 0.05, own
        assert paper.relative_error > 100 * own.relative_error
    assert (("next order", "value", 1) in by) == (order == 2)
    assert by["adam, next order", "output", None].cosine >= by["adam", "output", None].cosine - 1e-5
    page = (tmp_path / "run/report/index.html").read_text(encoding="utf-8")
    assert '"prediction":"adam"' in page.replace(": ", ":").replace('\\"', '"')


def test_every_weight_is_predicted(folder, verified, capsys):
    rows = check_of(folder, verified).verify()
    assert [(row.step, row.weight, row.layer) for row in rows if row.step == 6] == [
        (6, "output", None),
        *((6, weight, layer) for weight in ("value", "query_key", "position") for layer in (1, 2)),
    ]
    # The theory leaves out terms of relative size s eta / V: 6 * 0.05 / 30 = 1 %, most of it along the prediction.
    assert all(row.cosine >= 0.9999 for row in rows)
    assert all(abs(row.norm_ratio - 1) <= 0.01 for row in rows)
    assert "steps" not in capsys.readouterr().err, "what was trained is not trained again"


def test_tables_and_pictures_are_there(verified):
    names = {path.name for path in (verified / "verification").iterdir()}
    assert names == {"agreement.md", "agreement.svg", "agreement.png", "checkpoints", "manifest.json"}
    assert "| query_key | 2" in (verified / "verification/agreement.md").read_text()


def test_without_its_leading_terms_the_model_knows_less(folder, verified, capsys):
    assert cli.main(["ablate", "--config", str(folder / "a.yaml"), "--output", str(verified)]) == 0
    assert "| nothing" in capsys.readouterr().out
    found = {(row.removed, row.layer): row.increase for row in check_of(folder, verified).ablate()}
    assert found["nothing", None] == 0
    assert found["output", None] > 0
    assert found["all", None] > 0
    assert (verified / "verification/ablation.md").exists()


def test_a_training_that_diverges_leaves_what_was_compared(folder, verified, tmp_path):
    place = shutil.copytree(verified, tmp_path / "run", ignore=shutil.ignore_patterns("verification"))
    check = check_of(folder, place)
    wild = check.settings.model_copy(update={"learning_rate": 100.0, "compare_at": (1, 6)})
    with pytest.raises(TrainingError, match=r"training diverged: after [2-6] steps"):
        Check(check.run, wild).verify()
    assert "| 1    |" in (place / "verification/agreement.md").read_text()
    assert (place / "verification/agreement.svg").exists()


def test_a_config_without_training_and_a_run_without_attention(spark, folder, verified):
    config = load_config(folder / "a.yaml")
    with pytest.raises(ConfigError, match="the config has no section 'training'"):
        Check.of(open_run(verified), config.model_copy(update={"training": None}))
    counted = run_both(spark, config, folder / "counted")
    assert counted.predicted_weights(4, 0.1, 1).query_key is None
    with pytest.raises(RunError, match=r"has no product 'query_key'; .* Run the job count_attention on it first"):
        Check.of(counted, config)
