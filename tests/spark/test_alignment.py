"""Checkpoints compared with a run, from windows to the table, against covariances laid out in float64."""

import math

import numpy as np
import pytest

from leadterm import cli, open_run
from leadterm.alignment import chosen_tokens
from leadterm.checkpoints import open_checkpoint
from leadterm.config import AttentionSection
from leadterm.errors import RunError
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location
from leadterm.storage.formats.alignment_table import SCHEMA
from support.alignment_cases import dense_predictors
from support.alignment_runs import LENGTH, save_models
from support.authors import authors_matrices, authors_score
from support.dense_alignment import checkpoint_covariances, cosine, double_centred, predictor_covariance
from support.tiny_models import N_HEADS, N_LAYERS, VOCABULARY_SIZE


def test_every_score_equals_the_direct_computation(case, tmp_path):
    folder = save_models(tmp_path / "families", {"side-by-side": ("gpt_neox", 0), "grouped": ("llama", 0)})
    sources = [{"source": str(path), "name": path.name} for path in sorted(folder.iterdir())]
    assert case.score(*sources, predictors="every", dtype="float64", corpus="random text")
    table, rows = open_run(case.place).alignment(), case.rows()
    assert table.schema == SCHEMA
    # Per layer: mean and heads of qk, three streams and the one that is read; against six predictors; raw and centred.
    assert len(rows) == 2 * N_LAYERS * (N_HEADS + 5) * 6 * 2
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
            centred = double_centred(covariance)
            assert math.isclose(row["effective_rank"], np.trace(centred) ** 2 / (centred**2).sum(), rel_tol=1e-6)
            assert row["top_tokens"].split()[0] == f"t{np.diag(centred).argmax()}"


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
    assert len(raw) == N_LAYERS * (N_HEADS + 5)
    for row in raw:
        layer = layers[row["layer"]]
        maps = [layer.pre @ query @ key.T @ layer.pre.T for query, key in zip(layer.query, layer.key, strict=True)]
        attention_map = sum(maps) / len(maps) if row["head"] is None else maps[row["head"]]
        other = attention_map if row["component"] == "qk" else getattr(layer, row["component"])
        # 1e-6 is what the comparison is for; 1/t and Q are stored to 1e-9 of a score.
        assert math.isclose(row["score"], authors_score(matrices[row["predictor"]], other.numpy()), rel_tol=1e-6), row


def test_some_layers_and_heads(case, models):
    case.score({"source": str(models), "revisions": ["step1"]}, layers=(1,), heads="none")
    assert {(row["layer"], row["head"]) for row in case.rows()} == {(1, None)}
    case.score({"source": str(models), "revisions": ["step1"]}, heads=(0,), overwrite=True)
    heads = {(row["layer"], row["head"]) for row in case.rows() if row["component"] == "qk"}
    assert heads == {(0, None), (1, None), *((0, head) for head in range(N_HEADS))}


def test_the_command(case, models, capsys):
    options = ["--revisions", "step1..step2", "--name", "tiny", "--tokens", "occurring", "--layers", "0"]
    options += ["--heads", "none", "--norms", "exact"]
    assert cli.main(["align", str(case.place), str(models), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["strongest", "centred", "agreement", "qk", "pre", "mid", "post", "read"]
    assert [line.split()[:2] for line in lines[1:3]] == [["tiny", "step1"], ["tiny", "step2"]]
    assert {row["head"] for row in case.rows()} == {None}
    assert lines[3] == "each is the largest of up to 1 scores, over layers and predictors"
    strongest = max(
        row["score"]
        for row in case.rows()
        if (row["component"], row["metric"], row["head"], row["step"]) == ("read", "centred", None, 2)
    )
    assert lines[2].split("  ")[-1].strip().startswith(f"{strongest:.3f} value, layer 0, z ")
    assert cli.main(["align", str(case.place), str(models / "step8")]) == 1
    assert "there is no such file or folder" in capsys.readouterr().err
