"""The figures that are files: which there are, what they hold, and what the page says of them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from leadterm.report.figure_list import MOST_LAYERS, drawings
from leadterm.report.score_series import Model, models_of
from support.report_cases import HEADS, LAYERS, STEPS, score_of
from support.report_page import choose

SINGLE = {"curves", "layers", "heads"}
SWEEP = {*SINGLE, "steps", "head-steps"}
MEASURES = ("raw", "centred", "z")


@pytest.fixture(scope="module")
def drawn(page_run) -> dict:
    return {drawing.stem: drawing for drawing in drawings(models_of(page_run.alignment()))}


def test_figures_are_named_for_what_they_show(page_run, drawn):
    assert len(drawn) == len(drawings(models_of(page_run.alignment())))
    expected = {"1-a-sweep-steps-paper-raw", "1-a-sweep-steps-context.T-z", "1-a-sweep-heads-z"}
    assert {*expected, "2-single-layers-centred"} <= drawn.keys()
    assert not [stem for stem in drawn if stem.startswith(("2-single-steps", "2-single-head-steps"))]


def test_heads_by_step_are_drawn_for_each_layer_whose_heads_were_scored(drawn):
    stems = {stem for stem in drawn if "-head-steps-" in stem}
    every = {f"1-a-sweep-head-steps-{layer}-centred" for layer in range(LAYERS)}
    shown = {f"1-a-sweep-head-steps-1-{measure}" for measure in MEASURES}
    assert stems == every | shown | {f"3-some-heads-head-steps-{LAYERS - 1}-{measure}" for measure in MEASURES}
    drawing = drawn["1-a-sweep-head-steps-2-centred"]
    assert drawing.title == "a sweep, heads of layer 2: agreement with Q̄, the query-key term"
    [panel] = drawing.panels
    assert (panel.down, panel.across, panel.columns) == ("head", "step", ("0", "1", "2", "4"))
    expected = [
        [score_of((step, 2), "qk", head, "query_key", "centred") for step in range(len(STEPS))] for head in range(HEADS)
    ]
    assert panel.values.tolist() == np.float32(expected).tolist()


@pytest.mark.parametrize(("n_layers", "n_files"), [(1, 1), (24, 24), (41, 21), (100, 33)])
def test_a_deep_model_has_a_bounded_number_of_files(n_layers, n_files):
    scores = np.full((4, 2, n_layers), 0.5, dtype=np.float32)
    series = {("qk", head, "query_key", "centred", False): scores for head in (None, 0)}
    model = Model("deep", ("step1", "step2"), (1, 2), tuple(range(n_layers)), series)
    chosen = [drawing.choice for drawing in drawings([model]) if drawing.measure == "centred"]
    layers = [int(choice.removeprefix("head-steps-")) for choice in chosen if choice.startswith("head-steps-")]
    assert len(layers) == n_files <= MOST_LAYERS
    assert n_layers // 2 in layers, "which the page shows first"
    assert len({after - before for before, after in pairwise(layers)}) <= 1, "evenly spread"


# What the page says.

LINKS = "[...document.querySelectorAll('.group')].map((one) => [one.dataset.figure, "
HREFS = LINKS + "[...one.querySelectorAll('.links a')].map((link) => link.getAttribute('href'))])"
WORDS = LINKS + "one.querySelector('.links').innerText])"


@pytest.mark.parametrize(("model", "figures"), [("0", SWEEP), ("1", SINGLE), ("2", SWEEP)])
def test_every_figure_has_files_as_it_is_shown_first(browser, page_run, model, figures):
    choose(browser, "Model", model)
    for measure in MEASURES:
        browser.click(f"input[value={measure}]")
        found = dict(browser.evaluate(HREFS))
        assert found.keys() == figures
        for figure, links in found.items():
            assert [Path(link).suffix for link in links] == [".svg", ".png"], figure
            for link in links:
                assert Path(page_run.location.path, "report", link).is_file()
                assert Path(link).name.startswith(f"{int(model) + 1}-")
                assert f"-{figure}-" in link
                assert Path(link).stem.endswith(f"-{measure}")


def test_a_choice_without_a_file_is_said_to_have_none(browser, page_run):
    choose(browser, "layer", "2", "[data-figure=head-steps]")
    choose(browser, "layer", "0", "[data-figure=curves]")
    assert "head-steps-2-centred.svg" in dict(browser.evaluate(HREFS))["head-steps"][0]
    without = {figure for figure, text in browser.evaluate(WORDS) if text == "no file for this selection"}
    assert without == {"curves"}
    browser.click("input[value=raw]")
    without = {figure for figure, text in browser.evaluate(WORDS) if text == "no file for this selection"}
    assert without == {"curves", "head-steps"}
    choose(browser, "step", "0")
    choose(browser, "against", "bigram")
    found = dict(browser.evaluate(HREFS))
    assert {figure for figure, links in found.items() if links} == {"steps"}
    assert Path(page_run.location.path, "report", found["steps"][0]).is_file()
    browser.click("input[value=yes]")
    assert not any(links for _, links in browser.evaluate(HREFS))


def test_layers_are_offered_whose_heads_were_scored(browser):
    choose(browser, "Model", "2")
    offered = "[...document.querySelectorAll('[data-figure=head-steps] option')].map((one) => one.textContent)"
    assert browser.evaluate(offered) == [str(LAYERS - 1)]
    assert browser.count("[data-figure=head-steps] td[data-row]:not(.none)") == HEADS * 2
