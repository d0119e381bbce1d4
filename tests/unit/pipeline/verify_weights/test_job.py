"""What ``leadterm verify`` says of a start from drawn weights, on a run that the store alone wrote."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from leadterm import Run
from leadterm.config import TrainingSection
from leadterm.errors import RunError, TrainingError
from leadterm.pipeline.verify_weights import job as verification
from leadterm.pipeline.verify_weights.job import Check, summarise_agreement
from leadterm.storage.integrity.check_run import check_run
from leadterm.theory import Gaussian
from support.dense_theory import random_windows
from support.written_runs import write_run

SIZE, LENGTH = 60, 64
DRAWN = {"initialisation": "gaussian", "spread": 2e-8, "exponent": 0.25, "seed": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    windows = random_windows(2, LENGTH + 1, SIZE, seed=6)
    return write_run(tmp_path_factory.mktemp("runs") / "run", windows, [str(n) for n in range(SIZE)], LENGTH)


def check(run: Run, **changes) -> Check:
    return Check(run, TrainingSection(layers=1, learning_rate=0.02, steps=2, dtype="float64", **changes))


def test_the_prediction_is_for_the_start_of_the_training(run):
    assert check(run).predict(2).initialisation is None
    assert check(run, **DRAWN).predict(2).initialisation == Gaussian(2e-8, 0.25)


def test_the_summary_shows_the_conditions_of_a_drawn_start_and_the_probability(run):
    drawn = check(run, **DRAWN)
    lines = summarise_agreement(drawn, drawn.verify()).splitlines()
    conditions = lines[lines.index("conditions of the theorem") + 1 : lines.index("it is in") - 1]
    assert [line.split()[:4] for line in conditions[:-1]] == [
        ["holds", "L", "<=", "sqrt(T)"],
        ["holds", "s", "<=", "min(5"],
        ["holds", "T", ">=", "60"],
        ["fails", "V", ">=", "500"],
        ["holds", "xi", ">=", "0"],
        ["holds", "v", "<=", "eta^2"],
        ["fails", "V", ">=", "T"],
        ["holds", "eta", ">=", "1"],
        ["holds", "s", ">=", "1"],
    ]
    # 4 (exp(-60^1.5 / 4) + exp(-60^2.5 / 4)) = 4 exp(-116.19) = 1.4e-50
    assert conditions[-1] == "  if all hold, the bounds hold with a probability of at least 1 - 1.4e-50"
    table = Path(run.location.path, "verification/agreement.md").read_text().splitlines()
    assert {line.split("|")[-4].strip() for line in table[2:]} == {"no"}


def test_from_zero_there_is_no_probability_to_tell(run):
    zero = check(run)
    text = summarise_agreement(zero, zero.verify())
    assert "V >= 500" in text
    assert "xi >= 0" not in text
    assert "probability" not in text


def test_a_vocabulary_too_small_for_any_probability(tmp_path):
    """V = 5: 1 - 4 (exp(-5 / 4) + exp(-25 / 4)) is negative."""
    run = write_run(tmp_path / "run", random_windows(2, 9, 5, seed=6), list("abcde"), 8)
    small = check(run, initialisation="gaussian", spread=2e-8)
    assert "  no probability is proved for such a small vocabulary\n" in summarise_agreement(small, small.verify())


def test_what_it_writes_is_listed_and_guarded(tmp_path, monkeypatch):
    """With a training that only writes, so that the test is quick."""

    def write(_rows: object, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text("table")

    run = write_run(tmp_path / "run", random_windows(2, 9, 5, seed=6), list("abcde"), 8)
    small, folder = check(run), tmp_path / "run/verification"
    monkeypatch.setattr(verification, "verify", lambda *_, **__: SimpleNamespace(rows=[]))
    monkeypatch.setattr(verification, "write_table", write)
    monkeypatch.setattr(verification, "write_figure", lambda rows, stem: write(rows, stem.with_suffix(".svg")))
    small.verify()
    assert {entry.name for entry in run.manifest("verification").files} == {"agreement.md", "agreement.svg"}
    assert check_run(run.location).problems == ()
    (folder / "agreement.md").write_text("tablf")
    assert [problem.partition(":")[0] for problem in check_run(run.location).problems] == [
        "verification/agreement.md is damaged"
    ]
    small.verify()
    assert check_run(run.location).problems == ()


def test_what_a_training_left_that_broke_off_is_listed_too(tmp_path, monkeypatch):
    def diverge(*_: object, folder: Path, **__: object) -> None:
        folder.mkdir(parents=True)
        (folder / "state.json").write_text("{}")
        raise TrainingError("diverged")

    run = write_run(tmp_path / "run", random_windows(2, 9, 5, seed=6), list("abcde"), 8)
    monkeypatch.setattr(verification, "verify", diverge)
    with pytest.raises(TrainingError, match="diverged"):
        check(run).verify()
    assert [entry.name for entry in run.manifest("verification").files] == ["checkpoints/state.json"]
    assert check_run(run.location).problems == ()
    (tmp_path / "run/verification/checkpoints/state.json").write_text("[]")
    with pytest.raises(RunError, match=r"verification/checkpoints/state.json is damaged: its SHA-256 is .*"):
        check(run).verify()  # It would go on from there.
