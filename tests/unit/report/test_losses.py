"""The loss of a training: in intervals of steps, in a figure, and in the page."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from leadterm.errors import RunError
from leadterm.pipeline.build_report.job import build_report
from leadterm.report.draw_figures import draw
from leadterm.report.figure_list import drawings
from leadterm.report.losses import by_interval, losses_of
from leadterm.report.matplotlib_plots import draw_losses
from support.report_cases import LOSS_STEPS, UNIGRAM_ENTROPY, add_training, config_with, loss_at, small_run

STEPS = np.arange(1, LOSS_STEPS + 1)


@pytest.mark.parametrize("n_steps", [1, 2, 7, 64, 1000, 1024, 1025, 100_000])
def test_intervals_hold_every_step_once_and_grow_with_the_steps(n_steps):
    losses, rates = np.random.default_rng(n_steps).random((2, n_steps))
    columns = {"step": np.arange(1, n_steps + 1), "learning_rate": rates, "loss": losses}
    found = by_interval(pa.table(columns), 0.5)
    assert (found.first[0], found.last[-1]) == (1, n_steps)
    assert (found.first[1:] == found.last[:-1] + 1).all()
    assert len(found.last) <= 9 + 8 * np.log2(n_steps)
    # Ends are the floors of numbers that grow by 2^(1/8) = 1.0906.
    assert (found.last - found.first <= 0.0906 * found.first).all()
    for place, (first, last) in enumerate(zip(found.first, found.last, strict=True)):
        inside = losses[first - 1 : last]
        assert (found.low[place], found.high[place]) == (inside.min(), inside.max())
        # Sums of n numbers below 1 in another order differ by less than n eps of their own number.
        assert found.mean[place] == pytest.approx(inside.mean(), rel=len(inside) * 2**-52)
        assert found.rate[place] == rates[last - 1]


@pytest.fixture
def run(tmp_path):
    return small_run(tmp_path / "run")


def test_losses_are_those_of_a_training_on_these_windows(run):
    assert losses_of(run) is None
    add_training(run, windows="0" * 64)
    assert losses_of(run) is None, "of a corpus that was encoded before"
    add_training(run)
    found = losses_of(run)
    assert found.unigram_entropy == UNIGRAM_ENTROPY
    assert found.mean[:4].tolist() == [loss_at(step) for step in (1, 2, 3, 4)]


def test_the_page_is_made_again_when_the_training_changed_and_only_then(run):
    plain = config_with(explorer_tokens=0, figures="never")
    add_training(run)
    assert build_report(plain, run.location)
    assert not build_report(plain, run.location)
    add_training(run, LOSS_STEPS + 1)
    assert build_report(plain, run.location)
    place = Path(run.location.path, "pretrained/losses.parquet")
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(RunError, match=r"losses.parquet is damaged"):
        build_report(config_with(explorer_tokens=0, figures="never", k=5), run.location)


def test_the_figure_shows_the_losses_beside_the_yardstick(page_run):
    losses = losses_of(page_run)
    axes = Figure().subplots()
    draw_losses(axes, losses)
    curve, yardstick = axes.get_lines()
    assert curve.get_ydata().tolist() == losses.mean.tolist()
    x = curve.get_xdata()
    assert ((losses.first <= x) & (x <= losses.last)).all()
    assert set(yardstick.get_ydata()) == {UNIGRAM_ENTROPY}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4", "8", "16", "32", "64"]
    assert axes.get_legend() is not None
    [drawing] = drawings([], losses)
    files = draw(drawing)
    assert files["png"].startswith(b"\x89PNG")
    assert files == draw(drawing), "the same bytes each time"


# The page.


def test_the_page_shows_the_loss_and_its_numbers(browser, page_run):
    assert "Training loss" in browser.text("#contents a")
    [words] = browser.text("#losses > p")
    assert "2 layers and 12,345 parameters" in words
    assert "100 steps of 3 windows" in words
    assert f"a loss of {np.log(page_run.vocabulary_size):.2f}" in words
    assert browser.text("#losses figcaption") == ["loss nats per position, on a logarithmic scale of steps"]
    browser.click("#losses summary")
    browser.evaluate("new Promise((done) => setTimeout(done, 50))")
    rows = [row.split("\t") for row in browser.text("#losses tbody tr")]
    losses = losses_of(page_run)
    assert len(rows) == len(losses.last)
    assert rows[0] == ["1", *[f"{loss_at(1):.4f}"] * 3, "0.00100"]
    inside = [loss_at(step) for step in range(losses.first[-1], LOSS_STEPS + 1)]
    numbers = [f"{number:.4f}" for number in (np.mean(inside), min(inside), max(inside))]
    assert rows[-1] == [f"{losses.first[-1]}–{LOSS_STEPS}", *numbers, "0.0100"]
    links = browser.evaluate(
        "[...document.querySelectorAll('#losses .links a')].map((one) => one.getAttribute('href'))"
    )
    assert links == ["figures/training-loss.svg", "figures/training-loss.png"]
    assert all(Path(page_run.location.path, "report", link).is_file() for link in links)


def test_the_curve_lies_where_the_numbers_are(browser, page_run):
    losses = losses_of(page_run)
    points = "[...document.querySelector('#losses polyline').points].map((point) => [point.x, point.y])"
    x, y = np.array(browser.evaluate(points)).T
    assert np.corrcoef(y, losses.mean)[0, 1] == pytest.approx(-1, abs=1e-6)  # The browser keeps float32.
    assert np.corrcoef(x, np.log(losses.first * losses.last))[0, 1] == pytest.approx(1, abs=1e-6)
    yardstick = "document.querySelectorAll('#losses polyline')[1].points[0].y"
    expected = np.polyval(np.polyfit(losses.mean, y, 1), UNIGRAM_ENTROPY)
    assert browser.evaluate(yardstick) == pytest.approx(expected, rel=1e-6)


def test_the_curve_is_walked_through_with_the_keyboard(browser):
    browser.focus("#losses svg[tabindex]")
    browser.press("ArrowRight")
    lines = [line for line in browser.text("#tip")[0].split("\n") if line]
    assert lines[0] == "step 2"
    assert dict(zip(lines[1::2], lines[2::2], strict=True))["mean"] == f"{loss_at(2):.4f}"
    browser.press("End")
    assert browser.text("#tip strong")[0].endswith(f"–{LOSS_STEPS}")


def test_the_pointer_finds_the_nearest_step(browser):
    """Steps lie on a logarithmic scale: in the middle of the picture is the square root of the last one."""
    browser.evaluate(
        """(() => {
            const picture = document.querySelector("#losses svg[tabindex]");
            const line = picture.querySelector("polyline").getBoundingClientRect();
            const clientX = line.left + line.width / 2;
            picture.dispatchEvent(new PointerEvent("pointermove", { clientX }));
        })()"""
    )
    assert browser.text("#tip strong") == ["step 10"]
