"""What figures of the page and in files share is said once, in Python."""

import json
from pathlib import Path

import leadterm.report
from leadterm.report import palettes
from leadterm.report.figure_scales import ASINH_WIDTH, BAND, LEAST, NAMES, Z_POWERS, scales
from support.report_page import choose

ASSETS = Path(leadterm.report.__file__).parent / "assets"


def test_scripts_hold_no_name_and_no_colour_of_a_line():
    scripts = "\n".join(file.read_text(encoding="utf-8") for file in ASSETS.glob("*.js"))
    said = [text for text in (*NAMES.values(), *palettes.LINES, *palettes.LINES_DARK) if text in scripts]
    assert said == []
    assert scales() == {"asinh": ASINH_WIDTH, "least": LEAST, "band": BAND, "powers": Z_POWERS, "names": NAMES}
    assert json.loads(json.dumps(scales()))["band"] == 2


def test_keys_bands_and_ticks_of_the_page_are_those_of_the_files(browser):
    choose(browser, "Model", "0")
    browser.click("input[value=z]")
    keys = browser.text("[data-figure=curves] .panel:first-child .key li")
    assert [NAMES["band"] in keys, NAMES["shuffled"] in keys] == [True, True]
    texts = "[...document.querySelectorAll('[data-figure=curves] figure > svg')].map((one) => one.textContent)"
    for text in browser.evaluate(texts):
        assert [tick for tick in (f"−{BAND:g}", "0", f"+{BAND:g}") if tick not in text] == []
    strokes = "[...document.querySelectorAll('[data-figure=curves] polyline')].map((one) => one.style.stroke)"
    rgb = [", ".join(str(int(one[at : at + 2], 16)) for at in (1, 3, 5)) for one in palettes.LINES[:2]]
    assert set(browser.evaluate(strokes)) == {f"rgb({one})" for one in rgb}
