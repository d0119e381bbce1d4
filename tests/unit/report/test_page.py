"""The page in a real browser: what it shows, how it is used, and that it keeps to itself."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from leadterm.pipeline.build_report.job import build_report
from leadterm.report import palettes
from support.report_cases import HEADS, HOSTILE, LAYERS, STEPS, TOKENS, config_with, score_of, small_run
from support.report_page import cell, choose, colour, label, look_up


def interpolated(stops, share: float) -> list[float]:
    """The colour at a place between colours, by numpy."""
    channels = np.array([[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in stops])
    return [float(np.interp(share, np.linspace(0, 1, len(stops)), channels[:, channel])) for channel in range(3)]


# It keeps to itself.


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_it_asks_for_nothing_complains_of_nothing_and_fits(started, page_run, width, scheme):
    place = Path(page_run.location.path, "report/index.html")
    started.open(place, width, scheme=scheme)
    assert started.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for value in ("raw", "z", "yes", "frequency"):
        started.click(f"input[value={value}]")
    started.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    started.evaluate("new Promise((done) => setTimeout(done, 50))")  # Tables are made when they are opened.
    assert started.text("h1") == ["run <b>"]
    assert started.count("table.plain tr") > 10
    assert started.requests == [place.as_uri()]
    assert started.problems == []


@pytest.mark.parametrize("name", ["a copy", "übersetzt", "100%", "run <b>", "a'b"])
def test_a_run_that_was_copied_has_the_name_of_its_folder(started, page_run, tmp_path, name):
    shutil.copytree(Path(page_run.location.path, "report"), tmp_path / name / "report")
    started.open(tmp_path / name / "report/index.html")
    assert started.text("h1") == [name]
    assert started.evaluate("document.title") == f"leadterm report: {name}"
    [colophon] = started.text("#colophon")
    assert ("The run was then called run <b>." in colophon) == (name != "run <b>")
    assert started.problems == []


@pytest.mark.parametrize("place", ["page.html", "mailed/index.html", "report/other.html"])
def test_a_page_that_lies_elsewhere_keeps_the_name_that_it_was_made_with(started, page_run, tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    shutil.copyfile(Path(page_run.location.path, "report/index.html"), tmp_path / place)
    started.open(tmp_path / place)
    assert started.text("h1") == ["run <b>"]


def test_a_run_with_nothing_but_counts_has_a_page(started, tmp_path):
    run = small_run(tmp_path / "run")
    build_report(config_with(explorer_tokens=0, figures="never"), run.location)
    started.open(tmp_path / "run/report/index.html")
    assert started.text("h2") == ["Sources and settings"]
    assert started.problems == []


def test_no_request_would_get_through(browser):
    browser.evaluate("fetch('https://example.org/').catch(() => 0)")
    browser.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.org/a.png'}))")
    browser.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert browser.evaluate("typeof window.ran") == "undefined"
    for refused in ("Connecting to 'https://", "Loading the image 'https://", "Executing inline script"):
        assert [problem for problem in browser.problems if f"{refused}" in problem], browser.problems


@pytest.mark.parametrize("token", [token for token in HOSTILE if token != "\u2028"])
def test_a_hostile_token_stays_text(browser, token):
    before = browser.count("img, script")
    look_up(browser, token)
    assert browser.text(".asked bdi") == [token.replace(" ", "␣")]
    assert browser.count("img, script") == before
    assert browser.problems == []


def test_what_must_be_read_first_is_told_as_text(browser):
    [notice] = browser.text(".notice")
    assert "a remark with <b>markup</b>" in notice
    assert "Byte-identical: a sweep at step0, a sweep at step1." in notice
    assert "Raw scores have a high null" in notice


# Heatmaps and curves.


def test_heatmaps_have_a_cell_for_each_score_in_its_colour(browser):
    browser.click("input[value=raw]")
    assert browser.count("[data-figure=steps] .panel") == 5
    assert browser.count("[data-figure=steps] td[data-row]") == 5 * LAYERS * len(STEPS)
    score = score_of((2, 1), "post", None, "value", "raw")
    assert label(browser, "steps", 4, 1, 2) == f"layer 1, step 2: {score:.3f}"
    assert cell(browser, "steps", 4, 1, 2, of="innerText") == f"{score:.2f}".removeprefix("0")
    # The scale of raw scores ends at 1; colours are rounded to 8 bits.
    assert colour(browser, "steps", 4, 1, 2) == pytest.approx(interpolated(palettes.VIRIDIS, score), abs=1)
    assert label(browser, "steps", 5, 0, 0) == "layer 0, step 0: not scored"
    assert cell(browser, "steps", 5, 0, 0, of="className") == "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_z_is_shown_around_0_in_the_colours_of_the_scheme(started, page_run, scheme):
    started.open(Path(page_run.location.path, "report/index.html"), scheme=scheme)
    started.click("input[value=z]")
    predictors = {"qk": "query_key", "read": "value", "mid": "value", "post": "value", "pre": "value"}
    largest = 100 * max(
        score_of((place, layer), component, None, predictor, "centred")
        for place in range(len(STEPS))
        for layer in range(LAYERS)
        for component, predictor in predictors.items()
        if (place, layer, component) != (0, 0, "pre")
    )
    z = -100 * score_of((2, 1), "mid", None, "value", "centred")
    assert -99 < z < -10
    assert label(started, "steps", 3, 1, 2) == f"layer 1, step 2: −{-z:.0f}"
    share = np.arcsinh(z / 2) / np.arcsinh(largest / 2) / 2 + 0.5
    expected = interpolated(palettes.DIVERGING[scheme], share)
    assert colour(started, "steps", 3, 1, 2) == pytest.approx(expected, abs=1)


def test_switches_change_what_is_shown(browser):
    choose(browser, "against", "bigram")
    assert label(browser, "steps", 1, 0, 1).endswith(f": {score_of((1, 0), 'qk', None, 'bigram', 'centred'):.3f}")
    choose(browser, "against", "value")
    assert [name.split()[0] for name in browser.text("[data-figure=steps] figcaption")] == [
        "read",
        "mid",
        "post",
        "pre",
    ]
    choose(browser, "against", "paper")
    choose(browser, "step", "1")
    assert browser.evaluate("document.activeElement.value") == "1"  # The focus stays, though figures are drawn anew.
    score = score_of((1, 2), "pre", None, "context.T", "centred")
    assert label(browser, "layers", 5, 2, 2) == f"predictor context.T, layer 2: {score:.3f}"
    score = score_of((1, 1), "qk", 1, "query_key", "centred")
    assert label(browser, "heads", 1, 1, 1) == f"head 1, layer 1: {score:.3f}"
    browser.click("input[value=yes]")
    score = score_of((1, 1), "mid", None, "value", "centred", shuffled=True)
    assert label(browser, "steps", 3, 1, 1).startswith(f"layer 1, step 1: {score:.2g}"[:-1])
    assert "tokens shuffled" in browser.text(".explained")[0]


def test_a_single_revision_has_profiles_in_place_of_steps(browser):
    assert browser.text("[data-figure=steps] h3") == ["Layer by step"]
    choose(browser, "Model", "1")
    figures = browser.evaluate("[...document.querySelectorAll('.group')].map((one) => one.dataset.figure)")
    assert figures == ["curves", "layers", "heads"]
    points = "document.querySelector('[data-figure=curves] polyline').points"
    assert browser.evaluate(f"{points}.numberOfItems") == LAYERS
    assert browser.evaluate(f"{points}[0].y > {points}[1].y") == (
        score_of((0, 0), "qk", None, "query_key", "centred") < score_of((0, 1), "qk", None, "query_key", "centred")
    )
    assert browser.count("[data-figure=curves] polygon.band") == 5
    assert browser.count("[data-figure=heads] td[data-row]") == HEADS * LAYERS


def test_cells_are_walked_through_with_the_keyboard(browser):
    where = "[document.activeElement.dataset.row, document.activeElement.dataset.column].join()"
    browser.focus('[data-figure=steps] td[tabindex="0"]')
    browser.press("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft")
    assert browser.evaluate(where) == "1,1"
    score = score_of((1, 1), "qk", None, "query_key", "centred")
    lines = [line for line in browser.text("#tip")[0].split("\n") if line]
    assert lines[0] == "layer 1, step 1"
    told = dict(zip(lines[1::2], lines[2::2], strict=True))
    assert float(told["centred"]) == pytest.approx(score, rel=5e-3)  # Three digits.
    assert told["centred, null"] == "0.100 ± 0.0100"
    assert "raw, corpus shuffled" in told
    browser.press("ArrowUp", "ArrowUp", "End", "ArrowRight")
    assert browser.evaluate(where) == f"0,{len(STEPS) - 1}"
    assert browser.count('[data-figure=steps] .panel:first-child [tabindex="0"]') == 1
    browser.press("Escape")
    assert browser.evaluate("document.getElementById('tip').hidden")
    browser.press("Tab")
    assert browser.count("[data-figure=steps] .panel:nth-child(2) td:focus") == 1


def test_numbers_stand_in_a_table_too(browser):
    browser.click("[data-figure=steps] summary")
    browser.evaluate("new Promise((done) => setTimeout(done, 50))")
    rows = browser.text("[data-figure=steps] table.plain tbody tr")
    assert len(rows) == 5 * LAYERS * len(STEPS)
    cells = rows[1].split("\t")
    assert cells[:3] == ["0", "1", "qk"]
    expected = [score_of((1, 0), "qk", None, "query_key", metric) for metric in ("raw", "centred")]
    assert [float(cells[3]), float(cells[7])] == pytest.approx(expected, rel=5e-3)  # Three digits.


def test_verification_is_drawn(browser):
    assert browser.text("#verification figcaption") == [
        "output W_O cosine with the prediction",
        "output W_O relative error",
        "value V cosine with the prediction",
        "value V relative error",
    ]
    assert "nothing is proved" in browser.text("#verification p")[0]
    browser.evaluate("document.querySelectorAll('#verification svg[tabindex]')[3].focus()")
    browser.press("ArrowRight")
    assert browser.text("#tip")[0].split() == ["step", "4", "layer", "1", "0.0400", "layer", "2", "0.0400"]


# The explorer.


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        ("king", "king"),
        *((typed, "Ġking") for typed in ("Ġking", " king", "␣king", "▁king")),
        ("é", "Ã©"),
        *((typed, "Ċ") for typed in ("Ċ", "⏎", "\\n")),
        (" kingdom▁come", "ĠkingdomĠcome"),
    ],
)
def test_the_explorer_answers_as_the_run_does(browser, page_run, typed, token):
    look_up(browser, typed)
    views = {"bigram": None, "bigram.T": "next", "context": None, "context.T": "context", "value": None}
    for name, axis in views.items():
        expected = page_run.associations(token, name.removesuffix(".T"), 4, axis=axis)
        scores = [float(one.replace("−", "-")) for one in browser.text(f'[data-view="{name}"] .score')]
        assert scores == pytest.approx([score for _, score in expected], rel=0.06)  # Two digits.
        found = browser.evaluate(
            f"[...document.querySelectorAll('[data-view=\"{name}\"] .token')].map((one) => one.textContent)"
        )
        assert found == [as_shown(other) for other, _ in expected]


def as_shown(token: str) -> str:
    replaced = {"Ġ": "␣", "Ã©": "é", "Ċ": "⏎", " ": "␣", "\u2028": "\\u2028"}
    for before, after in replaced.items():
        token = token.replace(before, after)
    return token


def test_suggestions_come_while_typing_and_are_chosen_with_the_keyboard(browser):
    browser.focus("#word")
    browser.type("kin")
    assert sorted(browser.text("[role=option] bdi")) == sorted(["king", "␣king", "␣kingdom␣come"])
    browser.press("ArrowDown", "ArrowDown")
    [chosen] = browser.text('[role=option][aria-selected="true"] bdi')
    active = browser.evaluate("document.getElementById('word').getAttribute('aria-activedescendant')")
    assert browser.text(f"#{active} bdi") == [chosen]
    browser.press("Enter")
    assert browser.text(".asked bdi") == [chosen]
    assert browser.evaluate("document.querySelector('[role=listbox]').hidden")
    other = browser.text(".card .token")[0]
    browser.click(".card .token")
    assert browser.text(".asked bdi") == [other]


def test_a_token_that_is_not_there_is_said_to_be_missing(browser):
    look_up(browser, "zzz")
    assert browser.text(".missing") == [
        f"No token zzz is among the {len(TOKENS)} most frequent ones. For rarer tokens, use the command leadterm show."
    ]
