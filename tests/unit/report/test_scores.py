"""Scores laid out for the page and the figures, against the rows of the table."""

import math

import numpy as np
import pyarrow as pa
import pytest

from leadterm.config.shuffled_suffix import SHUFFLED
from leadterm.report.curves import curves
from leadterm.report.heatmap_panels import by_head, by_predictor, by_step
from leadterm.report.run_facts import accounts
from leadterm.report.score_series import NUMBERS, Model, models_of
from support.report_cases import HEADS, LAYERS, PREDICTORS, REMARK, STEPS, add_scores, score_of, small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = small_run(tmp_path_factory.mktemp("runs") / "run")
    add_scores(made, "sweep", STEPS, same_weights=True)
    add_scores(made, "one/model", [None])
    return made


def test_every_row_of_the_table_has_its_place_and_nothing_else_does(run):
    models = {model.name: model for model in models_of(run.alignment())}
    rows = run.alignment().to_pylist()
    assert [*models] == ["one/model", "sweep"]
    for row in rows:
        model = models[row["model"]]
        kind = (row["component"], row["head"], row["predictor"], row["metric"], row["corpus"].endswith(SHUFFLED))
        place = model.revisions.index(row["revision"]), model.layers.index(row["layer"])
        wanted = [math.nan if row[name] is None else float(np.float32(row[name])) for name in NUMBERS]
        assert model.series[kind][:, *place].tolist() == pytest.approx(wanted, nan_ok=True, rel=0, abs=0)
    assert sum(part[0].size for model in models.values() for part in model.series.values()) == len(rows)


def test_layers_that_were_not_scored_are_nan(run):
    table = run.alignment()
    kept = [row["layer"] != 1 or row["step"] == 1 for row in table.to_pylist()]
    model = next(model for model in models_of(table.filter(pa.array(kept))) if model.name == "sweep")
    assert model.layers == (0, 1, 2)
    values = model.series["post", None, "value", "raw", False][0]
    assert np.isnan(values[:, 1]).tolist() == [True, False, True, True]


def test_selections_pick_the_cells_that_they_name(run):
    model = models_of(run.alignment())[1]
    assert [panel.title for panel in by_step(model, "paper", "raw")] == ["qk", "read", "mid", "post", "pre"]
    assert [panel.title for panel in by_step(model, "value", "raw")] == ["read", "mid", "post", "pre"]
    post = by_step(model, "paper", "raw")[3]
    assert post.values.shape == (LAYERS, len(STEPS))
    assert post.columns == ("0", "1", "2", "4")
    assert post.values[2, 3] == np.float32(score_of((3, 2), "post", None, "value", "raw"))
    layers = by_predictor(model, "centred")[0]
    assert layers.rows == ("query_key", *PREDICTORS)
    assert layers.values[1, 2] == np.float32(score_of((3, 2), "qk", None, "bigram", "centred"))
    [heads] = by_head(model, "paper", "z", revision=1)
    assert heads.values.shape == (HEADS, LAYERS)
    assert heads.values[1, 1] == np.float32(-100 * score_of((1, 1), "qk", 1, "query_key", "centred"))


@pytest.mark.parametrize(
    ("revisions", "steps", "labels"),
    [
        (("step1", "step1000"), (1, 1000), ("1", "1,000")),
        (("stage1-step8", "stage2-step8"), (8, 8), ("stage1-step8", "stage2-step8")),
        (("stage1-step8", "stage2-step8", "stage2-step9"), (8, 8, 9), ("stage1-step8", "stage2-step8", "stage2-step9")),
        (("step8", "main", "other"), (8, None, None), ("8", "main", "other")),
    ],
)
def test_no_two_revisions_are_called_the_same(revisions, steps, labels):
    assert Model("one", revisions, steps, (0,), {}).labels == labels


def test_curves_stand_beside_both_nulls(run):
    sweep, single = models_of(run.alignment())[::-1]
    mid = curves(sweep, "raw", layer=2)[2]
    assert (mid.title, mid.across, mid.places) == (
        "mid: residual stream after attention, layer 2",
        "step",
        sweep.labels,
    )
    for shuffled, values in ((False, mid.values), (True, mid.shuffled)):
        expected = [score_of((step, 2), "mid", None, "value", "raw", shuffled=shuffled) for step in range(len(STEPS))]
        assert values.tolist() == pytest.approx(expected, rel=2**-23)
    assert mid.low.tolist() == pytest.approx([0.08] * len(STEPS), rel=1e-6)  # 0.1 - 2 * 0.01, in float32.
    assert mid.high.tolist() == pytest.approx([0.12] * len(STEPS), rel=1e-6)
    qk = curves(single, "z")[0]
    assert (qk.across, qk.places) == ("layer", ("0", "1", "2"))
    assert (qk.low.tolist(), qk.high.tolist()) == ([-2] * LAYERS, [2] * LAYERS)
    assert (qk.values < 0).tolist() == [False, True, False]


def test_remarks_and_equal_weights_are_told(run):
    found = accounts(run, run.alignment_manifests())
    twins = "Byte-identical: sweep at step0, sweep at step1."
    assert {note["text"]: note["title"] for note in found["notes"]} == {
        REMARK: "one/model at main; sweep at step0",
        twins: "Identical weights under several names",
    }
    assert [name for name, *_ in found["facts"]] == ["windows", "positions", "vocabulary", "bigram", "context"]
    assert found["facts"][1][1] == run.n_positions
