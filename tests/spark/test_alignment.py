"""Checkpoints compared with a run, from windows to the table, against covariances laid out in float64."""

import json
import logging
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from safetensors.torch import load_file, save_file

from leadterm import cli, open_run
from leadterm.alignment import chosen_tokens
from leadterm.checkpoints import open_checkpoint
from leadterm.config import AlignmentSection, AttentionSection, Config, parse_config
from leadterm.errors import ConfigError, InputError, RunError
from leadterm.evaluation import evaluate_alignment
from leadterm.pipeline import COUNTING, run_jobs
from leadterm.store import Location
from leadterm.store.alignment import SCHEMA, product_of
from support.alignment_cases import dense_predictors
from support.authors import authors_matrices, authors_score
from support.dense_alignment import checkpoint_covariances, cosine, predictor_covariance
from support.jobs import write_files
from support.tiny_models import N_HEADS, N_LAYERS, TOKENS, VOCABULARY_SIZE, save, save_tokenizer, tiny_model

LENGTH = 9


@dataclass(frozen=True)
class Case:
    """A run, and how to score checkpoints against it."""

    session: Any
    place: Path
    config: Config

    def score(self, *checkpoints: dict[str, Any], overwrite: bool = False, **options: Any) -> bool:
        section = AlignmentSection.model_validate({"checkpoints": list(checkpoints), **options})
        config = self.config.model_copy(update={"alignment": section})
        return evaluate_alignment(self.session, config, Location.of(self.place), overwrite=overwrite)

    def rows(self) -> list[dict[str, Any]]:
        return open_run(self.place).alignment().to_pylist()


@pytest.fixture(scope="module")
def counted(spark, tmp_path_factory) -> Case:
    """A run over random text; the last tokens of the vocabulary do not occur."""
    folder = tmp_path_factory.mktemp("alignment")
    save_tokenizer(folder)
    random = np.random.default_rng(3)
    texts = [
        " ".join(f"t{token}" for token in random.zipf(1.3, 4 * LENGTH + 1) % (VOCABULARY_SIZE - 4)) for _ in range(50)
    ]
    config = parse_config(
        {
            "corpus": {"paths": [str(write_files(folder / "text", pa.array(texts), 2))]},
            "tokenizer": {"kind": "huggingface", "source": str(folder / "tokenizer.json")},
            "windows": {"length": LENGTH, "files": 2},
        }
    )
    run_jobs(config, Location.of(folder / "run"), COUNTING)
    return Case(spark, folder / "run", config)


@pytest.fixture
def case(counted, tmp_path) -> Case:
    """A copy of the run, without scores."""
    shutil.copytree(counted.place, tmp_path / "run")
    return Case(counted.session, tmp_path / "run", counted.config)


@pytest.fixture
def models(tmp_path) -> Path:
    """A folder of three revisions."""
    return save_models(tmp_path / "models", {f"step{step}": ("gpt_neox", step) for step in (1, 2, 4)})


def save_models(folder: Path, kinds: dict[str, tuple[str, int]]) -> Path:
    for name, (kind, seed) in kinds.items():
        save_tokenizer(save(tiny_model(kind, seed), folder / name))
    return folder


def test_every_score_equals_the_direct_computation(case, tmp_path):
    folder = save_models(tmp_path / "families", {"side-by-side": ("gpt_neox", 0), "grouped": ("llama", 0)})
    sources = [{"source": str(path), "name": path.name} for path in sorted(folder.iterdir())]
    assert case.score(*sources, predictors="every", dtype="float64", corpus="random text")
    table, rows = open_run(case.place).alignment(), case.rows()
    assert table.schema == SCHEMA
    # Per layer: mean and heads of qk, and three streams; against six predictors; raw and centred.
    assert len(rows) == 2 * N_LAYERS * (N_HEADS + 4) * 6 * 2
    windows = [window.tolist() for window in open_run(case.place).windows()]
    dense = dense_predictors(windows, VOCABULARY_SIZE, LENGTH)
    predictors = {name: predictor_covariance(matrix) for name, matrix in dense.items()}
    for path in sorted(folder.iterdir()):
        with open_checkpoint(path, dtype="float64") as checkpoint:
            layers = [checkpoint_covariances(layer) for layer in checkpoint.layers(range(VOCABULARY_SIZE))]
        for row in (row for row in rows if row["model"] == path.name):
            covariance = layers[row["layer"]][row["component"], row["head"]]
            expected = cosine(covariance, predictors[row["predictor"]], row["metric"])
            # 1/t is stored to 2^-33 and Q to 2^-50 of a term, which is 1e-9 of a score at worst.
            assert math.isclose(row["score"], expected, abs_tol=1e-8), row
            assert math.isclose(row["z"], (row["score"] - row["null_mean"]) / row["null_sd"], rel_tol=1e-9)
            assert (row["corpus"], row["n_tokens"], row["revision"]) == ("random text", VOCABULARY_SIZE, path.name)


def test_the_shuffled_corpus_is_a_second_null(case, models):
    with pytest.raises(RunError, match=r"has no product 'windows'.*shuffle_corpus"):
        case.score({"source": str(models), "revisions": ["step1"]}, shuffled=True)
    run_jobs(case.config, Location.of(case.place), ["shuffled"])
    case.score({"source": str(models), "revisions": ["step1"]}, shuffled=True, dtype="float64", corpus="text")
    rows = case.rows()
    assert {row["corpus"] for row in rows} == {"text", "text, shuffled"}
    windows = [window.tolist() for window in open_run(case.place / "shuffled").windows()]
    matrix = dense_predictors(windows, VOCABULARY_SIZE, LENGTH)["value"]
    with open_checkpoint(models / "step1", dtype="float64") as checkpoint:
        first = next(iter(checkpoint.layers(range(VOCABULARY_SIZE))))
    expected = cosine(checkpoint_covariances(first)["post", None], predictor_covariance(matrix), "centred")
    (found,) = [
        row["score"]
        for row in rows
        if (row["layer"], row["component"], row["metric"], row["corpus"]) == (0, "post", "centred", "text, shuffled")
    ]
    assert math.isclose(found, expected, abs_tol=1e-8)


def test_the_authors_numbers(case, models):
    """Over the most frequent tokens, in their orientation, on windows that are all full; attention counted for them."""
    top = 12
    attention = AttentionSection(top_tokens=top)
    counted = case.config.model_copy(update={"attention": attention})
    run_jobs(counted, Location.of(case.place), ("compose_weights", "count_attention"), overwrite=True)
    case.score({"source": str(models), "revisions": ["step1"]}, tokens=top, orientation="authors", dtype="float64")
    run = open_run(case.place)
    windows = [window.tolist() for window in run.windows()]
    assert {len(window) for window in windows} == {LENGTH + 1}
    tokens = chosen_tokens(run.vocabulary["count"].to_numpy(), top)
    matrices = authors_matrices(windows, tokens, VOCABULARY_SIZE)
    with open_checkpoint(models / "step1", dtype="float64") as checkpoint:
        layers = list(checkpoint.layers(tokens.tolist()))
    raw = [row for row in case.rows() if row["metric"] == "raw"]
    assert len(raw) == N_LAYERS * (N_HEADS + 4)
    for row in raw:
        layer = layers[row["layer"]]
        maps = [layer.pre @ query @ key.T @ layer.pre.T for query, key in zip(layer.query, layer.key, strict=True)]
        attention_map = sum(maps) / len(maps) if row["head"] is None else maps[row["head"]]
        other = attention_map if row["component"] == "qk" else getattr(layer, row["component"])
        # 1e-6 is what the comparison is for; 1/t and Q are stored to 1e-9 of a score.
        assert math.isclose(row["score"], authors_score(matrices[row["predictor"]], other.numpy()), rel_tol=1e-6), row


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


def test_revisions_with_the_same_weights_are_told(case, models, caplog):
    shutil.copy(models / "step1" / "model.safetensors", models / "step4" / "model.safetensors")
    with caplog.at_level(logging.WARNING, "leadterm"):
        case.score({"source": str(models), "revisions": "step1..step4", "name": "tiny"})
    assert "the same weights, byte for byte: tiny at step1, tiny at step4" in caplog.text


def test_other_settings_are_refused_unless_they_shall_replace(case, models):
    one = {"source": str(models), "revisions": ["step1"]}
    case.score(one)
    with pytest.raises(RunError, match="tokens: all there, occurring now"):
        case.score(one, tokens="occurring")
    assert case.score(one, tokens="occurring", overwrite=True)
    assert {row["n_tokens"] for row in case.rows()} == {
        int(np.count_nonzero(open_run(case.place).vocabulary["count"].to_numpy()))
    }


def test_other_weights_under_the_same_name_are_refused_unless_they_shall_replace(case, models):
    one = {"source": str(models), "revisions": ["step1"], "name": "tiny"}
    case.score(one)
    before = case.rows()
    shutil.copy(models / "step2" / "model.safetensors", models / "step1" / "model.safetensors")
    with pytest.raises(RunError, match="differs in made from files"):
        case.score(one)
    assert case.score(one, overwrite=True)
    assert case.rows() != before


def test_scores_of_an_older_corpus_are_not_shown(case, models):
    case.score({"source": str(models), "revisions": ["step1"]})
    place = case.place / "bigram" / "manifest.json"
    manifest = json.loads(place.read_text())
    manifest["files"][0]["sha256"] = "0" * 64
    place.write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="has no scores of checkpoints"):
        open_run(case.place).alignment()


def test_a_defect_does_not_take_the_others_with_it(case, models, monkeypatch):
    """A forward pass that fails in a way that nobody foresaw: named, and the other revisions are saved."""
    config = json.loads((models / "step2" / "config.json").read_text())
    (models / "step2" / "config.json").write_text(json.dumps({**config, "hidden_act": "no_such_function"}))
    with pytest.raises(InputError, match=r"1 of 3 revisions could not be scored \(the others are saved.*\n.*step2"):
        case.score({"source": str(models), "revisions": "all"}, at_once=1)
    assert {row["revision"] for row in case.rows()} == {"step1", "step4"}


def test_what_was_trained_on_the_run_is_scored_beside(case, models, capsys):
    shutil.copytree(models, case.place / "pretrained")
    assert case.score(predictors="every", corpus="text")
    own = [row for row in case.rows() if row["model"] == "pretrained"]
    assert {row["step"] for row in own} == {1, 2, 4}
    assert cli.main(["align", str(case.place), str(models / "step1"), "--name", "other"]) == 0, "it is left alone"
    assert [row for row in case.rows() if row["model"] == "pretrained"] == own
    with pytest.raises(InputError, match="calls a model 'pretrained'"):
        case.score({"source": str(models / "step1"), "name": "pretrained"})
    moved = case.place.rename(case.place.with_name("moved"))
    assert not Case(case.session, moved, case.config).score(predictors="every", corpus="text"), "a run can be moved"


def test_some_layers_and_heads(case, models):
    case.score({"source": str(models), "revisions": ["step1"]}, layers=(1,), heads="none")
    assert {(row["layer"], row["head"]) for row in case.rows()} == {(1, None)}
    case.score({"source": str(models), "revisions": ["step1"]}, heads=(0,), overwrite=True)
    heads = {(row["layer"], row["head"]) for row in case.rows() if row["component"] == "qk"}
    assert heads == {(0, None), (1, None), *((0, head) for head in range(N_HEADS))}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": (0, 5)}, "alignment.heads names layer 5"),
        ({"layers": (2,)}, "alignment.layers names layer 2, and .* has 2, numbered from 0. Choose from 0 to 1"),
        ({"tokens": 10}, "attention.top_tokens: null, and alignment.tokens is 10.*top_tokens: 10, or"),
    ],
)
def test_settings_that_do_not_fit_are_refused(case, models, options, message):
    with pytest.raises(InputError, match=message):
        case.score({"source": str(models), "revisions": ["step1"]}, **options)
    assert not (case.place / "alignment").exists()


def test_another_tokenizer_is_refused(case, models):
    save_tokenizer(models / "step1", (*TOKENS[:7], "seven", *TOKENS[8:]))
    with pytest.raises(
        InputError, match=r"step1.*its tokenizer is not the run's: token 7 is 'seven' there, 't7' in the run"
    ):
        case.score({"source": str(models), "revisions": ["step1"]})


def test_no_checkpoint(case):
    with pytest.raises(InputError, match=r"Name some in alignment.checkpoints, or train one"):
        case.score()
    with pytest.raises(ConfigError, match="no section alignment"):
        evaluate_alignment(case.session, case.config, Location.of(case.place))
    with pytest.raises(RunError, match="has no scores of checkpoints"):
        open_run(case.place).alignment()


def test_the_command(case, models, capsys):
    options = ["--revisions", "step1..step2", "--name", "tiny", "--tokens", "occurring", "--layers", "0"]
    assert cli.main(["align", str(case.place), str(models), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["strongest", "centred", "agreement", "qk", "pre", "mid", "post"]
    assert [line.split()[:2] for line in lines[1:3]] == [["tiny", "step1"], ["tiny", "step2"]]
    strongest = max(
        row["score"]
        for row in case.rows()
        if (row["component"], row["metric"], row["head"], row["step"]) == ("post", "centred", None, 2)
    )
    assert lines[2].split("  ")[-1].strip().startswith(f"{strongest:.3f} value, layer 0, z ")
    assert cli.main(["align", str(case.place), str(models / "step8")]) == 1
    assert "there is no such file or folder" in capsys.readouterr().err
