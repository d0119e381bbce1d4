"""The job ``build_report``: when it makes the page again, what it refuses, and that equal runs give equal bytes."""

import importlib.util
import shutil

import pytest

from leadterm.errors import MachineError, RunError
from leadterm.pipeline.build_report.job import build_report
from leadterm.report import draw_figures as figures
from leadterm.report.figure_list import drawings
from leadterm.report.page import page, page_address
from leadterm.report.score_series import models_of
from leadterm.storage import Location, Manifest, read_manifest
from leadterm.storage.read_products import list_file, write_manifest
from support.report_cases import HOSTILE, STEPS, add_scores, config_with, small_run

PLAIN = config_with(explorer_tokens=5, figures="never")


@pytest.fixture
def run(tmp_path):
    return small_run(tmp_path / "run")


def test_a_run_without_scores_gets_a_page(run):
    assert page_address(run.location) is None
    assert build_report(PLAIN, run.location)
    manifest = read_manifest(run.location, "report")
    assert [entry.name for entry in manifest.files] == ["index.html"]
    assert manifest.counts == {"models": 0, "revisions": 0, "figures": 0}
    assert page_address(run.location) == f"file://{run.location.path}/report/index.html"


def test_it_is_made_again_when_something_changed_and_only_then(run):
    assert build_report(PLAIN, run.location)
    before = read_manifest(run.location, "report").content_hash
    assert not build_report(PLAIN, run.location)
    assert build_report(config_with(explorer_tokens=6, figures="never"), run.location)
    assert build_report(PLAIN, run.location)
    assert read_manifest(run.location, "report").content_hash == before
    add_scores(run, "sweep", STEPS)
    assert build_report(PLAIN, run.location)
    assert not build_report(PLAIN, run.location)
    (run.location / "verification/agreement.md").write_bytes(b"| step | weight |\n|-|-|\n| 4 | value |\n")
    assert build_report(PLAIN, run.location)
    assert not build_report(PLAIN, run.location)


def test_a_table_of_agreement_that_changed_since_it_was_listed_is_refused(run):
    place = run.location / "verification"
    (place / "agreement.md").write_bytes(b"| step | weight |\n|-|-|\n| 4 | value |\n")
    write_manifest(place, Manifest("verification", {}, {}, {}, (list_file(place, "agreement.md"),)))
    (place / "agreement.md").write_bytes(b"| step | weight |\n|-|-|\n| 5 | value |\n")
    with pytest.raises(RunError, match=r"verification/agreement.md is damaged: its SHA-256 is "):
        build_report(PLAIN, run.location)


def test_a_folder_of_somebody_else_is_left_alone(run):
    (run.location / "report/notes.txt").write_bytes(b"mine")
    with pytest.raises(RunError, match="report exists but has no manifest, so leadterm did not make it"):
        build_report(PLAIN, run.location)
    assert (run.location / "report/notes.txt").exists()
    assert build_report(PLAIN, run.location, overwrite=True)


def test_without_counts_it_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no product 'windows'; .* Run the job encode_corpus on it first"):
        build_report(PLAIN, Location.of(tmp_path))


def test_without_matplotlib_there_is_a_page_or_an_error_that_names_the_extra(run, monkeypatch):
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    with pytest.raises(MachineError, match=r"report.figures is 'always', .* pip install 'leadterm\[report\]'"):
        build_report(config_with(explorer_tokens=5, figures="always"), run.location)
    assert build_report(config_with(explorer_tokens=5), run.location)
    assert read_manifest(run.location, "report").settings["figures"] is False
    monkeypatch.setattr(figures, "find_spec", importlib.util.find_spec)
    assert build_report(config_with(explorer_tokens=5), run.location)  # Once it is there, they are drawn.


def test_figures_lie_beside_the_page_with_the_same_bytes_each_time(run, monkeypatch):
    add_scores(run, "sweep", [4])
    chosen = [one for one in drawings(models_of(run.alignment())) if one.choice == "heads"][-1:]
    monkeypatch.setattr("leadterm.pipeline.build_report.job.drawings", lambda *_: chosen)
    assert build_report(config_with(explorer_tokens=5, figures="always"), run.location)
    folder = run.location / "report/figures"
    assert folder.names() == ["1-sweep-heads-z.png", "1-sweep-heads-z.svg"]
    again = figures.draw(chosen[0])
    for kind in ("svg", "png"):
        assert (folder / f"1-sweep-heads-z.{kind}").read_bytes().to_pybytes() == again[kind]
    assert b"<dc:date>" not in again["svg"]


def test_data_cannot_leave_its_element():
    text = page("</title><script>", {"words": [*HOSTILE]})
    assert "<title>&lt;/title&gt;&lt;script&gt;</title>" in text
    start = text.index('id="data-words">') + len('id="data-words">')
    data = text[start : text.index("</script>", start)]
    assert not set("<&\u2028") & set(data)
    assert "{{script}}" in data


def test_the_page_of_a_run_that_was_renamed_is_made_anew(run, tmp_path):
    build_report(PLAIN, run.location)
    assert not build_report(PLAIN, run.location)
    for name in ("copy", "another", "copy again"):
        place = Location.of(shutil.copytree(run.location.path, tmp_path / name))
        assert build_report(PLAIN, place)
        assert f"<title>leadterm report: {name}</title>" in (tmp_path / name / "report/index.html").read_text()
        assert not build_report(PLAIN, place)
