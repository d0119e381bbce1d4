"""A browser, and the page of a run that holds some of everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadterm import Run
from leadterm.pipeline.build_report.job import build_report
from support.browser import Browser, open_browser, why_no_browser
from support.report_cases import LAYERS, STEPS, TOKENS, add_scores, add_training, config_with, small_run

HEAD = "| step | loss | weight | layer | cosine | relative_error | within_theorem |\n|--|--|--|--|--|--|--|\n"
ROWS = "".join(
    f"| {step} | 3.1 | {weight} | {layer} | {1 - step / 1e6:.9f} | {step / 100} | no |\n"
    for step in (2, 4)
    for weight, layer in (("output", "–"), ("value", 1), ("value", 2))
)
NOTHING = "| 4 | 3.1 | position | 1 | – | – | no |\n"
"""Where the prediction is 0 there is no cosine to draw."""


@pytest.fixture(scope="session")
def page_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with its page; its figures are listed, but not drawn."""
    made = small_run(tmp_path_factory.mktemp("runs") / "run <b>")
    add_scores(made, "a sweep", STEPS, same_weights=True)
    add_scores(made, "single", [None])
    add_scores(made, "some heads", STEPS[:2], heads_of=[LAYERS - 1])
    add_training(made)
    (made.location / "verification/agreement.md").write_bytes((HEAD + ROWS + NOTHING).encode())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("leadterm.pipeline.build_report.job.draw", lambda _: {"svg": b"<svg/>", "png": b""})
        build_report(config_with(explorer_tokens=len(TOKENS), k=4, figures="always"), made.location)
    return made


@pytest.fixture(scope="session")
def started() -> Iterator[Browser]:
    """A browser."""
    if (reason := why_no_browser()) is not None:
        pytest.skip(reason)
    with open_browser() as browser:
        yield browser


@pytest.fixture
def browser(started: Browser, page_run: Run) -> Browser:
    """A browser that shows the page."""
    started.open(Path(page_run.location.path, "report/index.html"))
    return started
