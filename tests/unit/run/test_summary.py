"""What the summary says of scores: of how many it prints the largest, and where a stream is one direction."""

from leadterm import open_run
from leadterm.run.summary import agreement_table
from support.report_cases import LAYERS, PREDICTORS, add_scores
from support.written_runs import write_run


def test_the_largest_scores_are_told_of_how_many_and_flat_streams_are_named(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run", [[0, 1, 2, 3]], ["a", "b", "c", "d"], 8)
    add_scores(run, "tiny", [0])
    lines = agreement_table(open_run(tmp_path / "run"))
    # The paper's predictor and those of the basis, in each layer.
    assert f"each is the largest of up to {LAYERS * (len(PREDICTORS) + 1)} scores, over layers and predictors" in lines
    assert not any("one direction" in line for line in lines)
    monkeypatch.setattr("leadterm.run.summary.ONE_DIRECTION", 8.0)
    lines = agreement_table(open_run(tmp_path / "run"))
    told = f"tiny step0: streams of {LAYERS} layers from 0 on are one direction, mostly of the of; look at 'read'"
    assert any(line.startswith(told) for line in lines)
