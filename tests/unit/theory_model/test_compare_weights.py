"""Training and comparing: the table, the picture, going on after a stop."""

import builtins
import math
import re
from dataclasses import replace

import pytest
import torch

from leadterm.errors import InputError, MachineError
from leadterm.theory import Gaussian
from leadterm.theory_model import Row, Trainer, agreements, markdown_table, verify, write_figure, write_table
from leadterm.theory_model.training_state import list_checkpoints
from support.predictions import Predictor, settings, small_corpus

SIZE, LENGTH = 9, 6
TINY = {"initialisation": "gaussian", "spread": 1e-4, "exponent": 0.5}
PLAN = {"compare_at": [5, 1, 3], "steps": 6, "checkpoint_every": 2}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor([list(window) for window in small_corpus()], SIZE, LENGTH, 0.3, 2)


def run(predictor, folder=None, on_progress=None, **changes):
    plan = {**PLAN, **({} if folder else {"checkpoint_every": None}), **changes}
    return verify(small_corpus(), SIZE, LENGTH, settings(**plan), predictor, folder=folder, on_progress=on_progress)


def test_rows_are_the_agreements_at_each_step(predictor):
    found = run(predictor)
    assert list(dict.fromkeys(row.step for row in found.rows)) == [1, 3, 5]
    assert len(found.rows) == 3 * 7
    trainer = Trainer(small_corpus(), SIZE, LENGTH, settings(**{**PLAN, "checkpoint_every": None}))
    trainer.advance(3)
    prediction = predictor(3)
    for row, one in zip(found.rows[7:14], agreements(trainer.model, prediction), strict=True):
        assert (row.weight, row.layer, row.cosine, row.error_norm) == (
            one.weight,
            one.layer,
            one.cosine,
            one.error_norm,
        )
        assert row.loss == trainer.loss()
        assert row.bound == getattr(prediction.bounds, row.weight)
        assert row.within_theorem is False
    assert math.isnan(found.rows[1].cosine)  # after one step the value matrices are zero, and predicted to be
    trainer.advance(6)
    assert torch.equal(found.model.output, trainer.model.output)


def test_without_steps_to_compare_at_the_last_is_taken(predictor):
    assert {row.step for row in run(predictor, compare_at=[]).rows} == {6}


def test_progress_brings_the_latest_comparison(predictor):
    told = []
    run(predictor, on_progress=told.append)
    assert [one.step for one in told] == [1, 2, 3, 4, 5, 6]
    assert told[0].agreement == ()
    assert [one.weight for one in told[3].agreement] == [
        "output",
        *(["value"] * 2),
        *(["query_key"] * 2),
        *["position"] * 2,
    ]
    assert told[3].agreement[0].cosine > 0.9


@pytest.mark.parametrize(
    ("changes", "start", "expected"),
    [
        ({}, None, True),
        ({"batch": 3}, None, False),
        (TINY, Gaussian(1e-4, 0.5), True),
        (TINY, Gaussian(1e-4), False),
        (TINY, Gaussian(1e-5, 0.5), False),
        (TINY, None, False),
        ({}, Gaussian(1e-4), False),
    ],
)
def test_the_theorem_speaks_of_all_windows_and_of_the_start_of_the_prediction(predictor, changes, start, expected):
    def proved(step):
        return replace(predictor(step), within_theorem=True, initialisation=start)

    plan = {"steps": 1, "compare_at": [1]}
    assert {row.within_theorem for row in run(proved, **plan, **changes).rows} == {expected}


class Stopped(Exception):
    pass


@pytest.mark.parametrize("at", [2, 4, 5])
def test_a_stopped_comparison_goes_on_where_it_was(predictor, tmp_path, at):
    def stop(progress):
        if progress.step == at:
            raise Stopped

    with pytest.raises(Stopped):
        run(predictor, tmp_path, stop, compare_at=[1, 2, 4, 5])
    told = []
    resumed = run(predictor, tmp_path, told.append, compare_at=[1, 2, 4, 5])
    straight = run(predictor, compare_at=[1, 2, 4, 5])
    assert told[0].step == at // 2 * 2 + 1
    assert [one.weight for one in told[0].agreement][:1] == (["output"] if at >= 2 else [])
    assert markdown_table(resumed.rows) == markdown_table(straight.rows)
    assert torch.equal(resumed.model.output, straight.model.output)


def test_a_comparison_that_a_checkpoint_is_past_starts_before_it(predictor, tmp_path):
    run(predictor, tmp_path)
    assert len(list_checkpoints(tmp_path)) == 3
    told = []
    again = run(predictor, tmp_path, told.append, compare_at=[1, 4])
    assert [one.step for one in told] == [5, 6]  # the weights after step 4 are a checkpoint's
    assert {row.step for row in again.rows} == {1, 4}
    told.clear()
    run(predictor, tmp_path, told.append, compare_at=[2, 3])
    assert told[0].step == 3


def test_the_table(predictor, tmp_path):
    rows = run(predictor, compare_at=[1, 4]).rows
    write_table(rows, tmp_path / "agreement.md")
    lines = (tmp_path / "agreement.md").read_text(encoding="utf-8").splitlines()
    assert len({len(line) for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == list(Row.__dataclass_fields__)
    assert len(cells) == 2 + len(rows)
    assert re.fullmatch(r"\|(-+\|)+", lines[1])
    assert cells[2][2:4] == ["output", "–"]
    assert cells[3][2:8] == ["value", "1", "–", "–", "–", "–"]
    assert cells[-1][-3:] == ["no", "gradient descent", "1.2"]
    assert float(cells[-1][4]) == pytest.approx(rows[-1].cosine, abs=1e-9)


def test_an_empty_table_or_picture_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no row for the table: compare at least at one step"):
        markdown_table([])
    with pytest.raises(InputError, match="there is no row to draw"):
        write_figure([], tmp_path / "figure")


def test_the_picture(predictor, tmp_path):
    rows = run(predictor, compare_at=[1, 2, 3, 4, 6]).rows
    svg, png = write_figure(rows, tmp_path / "agreement")
    assert (svg.name, png.name) == ("agreement.svg", "agreement.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_text().count('id="axes_') == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agreement.png", "agreement.svg"]
    before = svg.read_bytes(), png.read_bytes()
    write_figure(rows, tmp_path / "agreement")
    assert (svg.read_bytes(), png.read_bytes()) == before


def test_a_picture_of_the_first_step_alone(predictor, tmp_path):
    """Predictions of zero have neither cosine nor relative error: empty panels, no warning."""
    rows = run(predictor, compare_at=[1]).rows
    svg, _ = write_figure([row for row in rows if row.weight == "value"], tmp_path / "value")
    assert svg.read_text().count('id="axes_') == 2


def test_matplotlib_is_named_where_it_is_missing(predictor, tmp_path, monkeypatch):
    plain = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(f"No module named {name!r}")
        return plain(name, *args, **kwargs)

    rows = run(predictor).rows
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MachineError, match=re.escape("Install it: pip install 'leadterm[report]'")):
        write_figure(rows, tmp_path / "figure")
    assert list(tmp_path.iterdir()) == []
