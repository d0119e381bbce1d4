"""Many revisions scored against a run: one after the other and again, what fails among them, what is the same."""

import json
import logging
import math
import shutil

import pytest
from safetensors.torch import load_file, save_file

from leadterm import cli, open_run
from leadterm.errors import InputError
from leadterm.report.score_series import models_of
from leadterm.storage.formats.alignment_table import product_of
from support.alignment_runs import Case, save_models
from support.tiny_models import TOKENS, save_tokenizer


def test_a_sweep_goes_on_where_it_stopped(case, models):
    sweep = {"source": str(models), "revisions": "all", "name": "tiny"}
    assert case.score(sweep)
    assert list(dict.fromkeys((row["revision"], row["step"]) for row in case.rows())) == [
        ("step1", 1),
        ("step2", 2),
        ("step4", 4),
    ]
    whole, steps = case.rows(), {"step1", "step2", "step4"}
    written = {step: (case.place / product_of("tiny", step) / "manifest.json").stat().st_mtime_ns for step in steps}
    assert not case.score(sweep), "all is done"
    shutil.rmtree(case.place / product_of("tiny", "step2"))
    assert case.score(sweep)
    again = {step: (case.place / product_of("tiny", step) / "manifest.json").stat().st_mtime_ns for step in steps}
    assert {step for step in steps if again[step] != written[step]} == {"step2"}
    assert case.rows() == whole, "the same scores, to the last bit"
    assert not [name for name in case.place.iterdir() if name.name.startswith(".staging")]


def test_stages_of_a_training_with_the_same_steps(case, models, tmp_path):
    stages = [f"stage{stage}-step{step}" for stage in (1, 2) for step in (8, 16)]
    kinds = {name: ("gpt_neox", seed) for seed, name in enumerate(reversed(stages))}
    sweep = {"source": str(save_models(tmp_path / "stages", kinds)), "name": "staged"}
    assert case.score({**sweep, "revisions": "stage2-step8..stage2-step16"})
    assert {row["revision"] for row in case.rows()} == set(stages[2:])
    assert case.score({**sweep, "revisions": "all"})
    rows = case.rows()
    assert list(dict.fromkeys((row["revision"], row["step"]) for row in rows)) == [
        (name, int(name.partition("step")[2])) for name in stages
    ]
    keys = ("revision", "layer", "head", "component", "predictor", "metric")
    assert len({tuple(row[key] for key in keys) for row in rows}) == len(rows), "no row stands for another"
    (model,) = models_of(open_run(case.place).alignment())
    assert model.labels == tuple(stages)


def test_what_a_reader_should_know_is_kept_with_the_scores(case, models):
    """One added token, and a head that is missing: neither changes a score."""
    one = {"source": str(models), "name": "tiny", "revisions": ["step1"]}
    case.score(one)
    expected = case.rows()
    save_tokenizer(models / "step1", (*TOKENS, "[PAD]"))
    tensors = load_file(models / "step1" / "model.safetensors")
    del tensors["embed_out.weight" if "embed_out.weight" in tensors else "lm_head.weight"]
    save_file(tensors, models / "step1" / "model.safetensors", metadata={"format": "pt"})
    assert case.score(one, overwrite=True)
    assert case.rows() == expected
    (manifest,) = open_run(case.place).alignment_manifests()
    head, pad = manifest.counts["remarks"]
    assert head.startswith(
        "missing from its files, or of a different shape than config.json says, but not used by any score: "
    )
    assert pad == "its tokenizer has tokens that the run's lacks and that no text of the run contains: '[PAD]' (id 53)"


def test_what_fails_is_named_and_the_others_are_kept(case, models, tmp_path):
    weights = models / "step2" / "model.safetensors"
    shutil.copy(weights, tmp_path / "good")
    tensors = load_file(weights)
    name = next(name for name, tensor in tensors.items() if tensor.dim() == 2)
    tensors[name][0, 0] = math.nan
    save_file(tensors, weights, metadata={"format": "pt"})
    sweep = {"source": str(models), "revisions": "all"}
    with pytest.raises(
        InputError, match=r"1 of 3 revisions could not be scored \(the others are saved.*\n.*step2.*NaN"
    ):
        case.score(sweep)
    assert {row["revision"] for row in case.rows()} == {"step1", "step4"}
    shutil.copy(tmp_path / "good", weights)
    assert case.score(sweep)
    assert {row["revision"] for row in case.rows()} == {"step1", "step2", "step4"}


def test_a_defect_does_not_take_the_others_with_it(case, models, monkeypatch):
    """A forward pass that fails in a way that nobody foresaw: named, and the other revisions are saved."""
    config = json.loads((models / "step2" / "config.json").read_text())
    (models / "step2" / "config.json").write_text(json.dumps({**config, "hidden_act": "no_such_function"}))
    with pytest.raises(InputError, match=r"1 of 3 revisions could not be scored \(the others are saved.*\n.*step2"):
        case.score({"source": str(models), "revisions": "all"}, at_once=1)
    assert {row["revision"] for row in case.rows()} == {"step1", "step4"}


def test_revisions_with_the_same_weights_are_told(case, models, caplog):
    shutil.copy(models / "step1" / "model.safetensors", models / "step4" / "model.safetensors")
    with caplog.at_level(logging.WARNING, "leadterm"):
        case.score({"source": str(models), "revisions": "step1..step4", "name": "tiny"})
    assert "byte-identical weights: tiny at step1, tiny at step4" in caplog.text


def test_what_was_trained_on_the_run_is_scored_beside(case, models, capsys):
    shutil.copytree(models, case.place / "pretrained")
    assert case.score(predictors="every", corpus="text")
    own = [row for row in case.rows() if row["model"] == "pretrained"]
    assert {row["step"] for row in own} == {1, 2, 4}
    assert cli.main(["align", str(case.place), str(models / "step1"), "--name", "other"]) == 0, "it is left alone"
    assert [row for row in case.rows() if row["model"] == "pretrained"] == own
    with pytest.raises(InputError, match="names a model 'pretrained'"):
        case.score({"source": str(models / "step1"), "name": "pretrained"})
    moved = case.place.rename(case.place.with_name("moved"))
    assert not Case(case.session, moved, case.config).score(predictors="every", corpus="text"), "a run can be moved"
