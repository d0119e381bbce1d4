"""The job ``build_report``: a page about a run, and its figures as files; runs on the driver."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.report.draw_figures import can_draw, draw, require_matplotlib
from leadterm.report.figure_list import Drawing, drawings
from leadterm.report.losses import losses_of, pretrained_manifest
from leadterm.report.page import PAGE, page
from leadterm.report.page_data import AGREEMENT, FIGURES, blocks
from leadterm.report.score_series import Model, models_of
from leadterm.run.open_run import Run
from leadterm.storage import FileEntry, Location, Staging, read_manifest
from leadterm.storage.formats.small_tables import stage_bytes
from leadterm.storage.read_products import Overwrite
from leadterm.storage.require_products import require_inputs
from leadterm.telemetry.progress import progress


@job(Job.BUILD_REPORT)
def build_report(config: Config, run: Location, *, overwrite: Overwrite = False) -> bool:
    """Make the product ``report`` of a run: ``index.html``, and ``figures/`` where they are drawn.

    A report is made of other products and holds nothing of its own, so one of leadterm's is replaced when they changed,
    also without ``overwrite``.

    Parameters
    ----------
    config
        Its section ``report``.
    run
        The run directory; it holds the counts at least.
    overwrite
        Make it anew, also in the place of a folder ``report`` that leadterm did not make.

    Returns
    -------
    bool
        False if it was there already, made from the same products with the same settings.

    Raises
    ------
    RunError
        If the counts are missing, a product is damaged, or something else stands in the report's place.
    MachineError
        If ``report.figures`` is ``always`` and matplotlib is missing.
    """
    require_inputs(run, Job.BUILD_REPORT)
    if config.report.figures == "always":
        require_matplotlib()
    opened, figures = Run(run), config.report.figures != "never" and can_draw()
    settings = {"figures": figures, "name": run.name}  # A run that was renamed or copied gets a page of its own name.
    if read_manifest(run, Product.REPORT) is not None:
        overwrite = overwrite or "differing"
    order = Order.of(Job.BUILD_REPORT, config, run, overwrite=overwrite, made_from=_inputs(opened), settings=settings)

    def build(stage: Staging) -> None:
        started = time.monotonic()
        models = models_of(opened.alignment()) if opened.alignment_manifests() else []
        losses = losses_of(opened)
        drawn = drawings(models, losses) if figures else []
        text = page(f"leadterm report: {run.name}", blocks(opened, config, models, losses, drawn))
        parts, entries = zip(*_written(stage, text, drawn), strict=True)
        seconds = {"report": time.monotonic() - started}
        counts = _counts(models, drawn)
        stage.commit(order.manifest(Product.REPORT, counts=counts, files=tuple(entries), seconds=seconds), parts)

    return carry_out(order, build, resumes=lambda: False)


def _inputs(run: Run) -> dict[str, Any]:
    """Hash all that the page tells of: manifests but for their timings, and the table of a verification."""
    manifests = [*(run.manifest(name) for name in run.products), *run.alignment_manifests()]
    manifests += [trained] if (trained := pretrained_manifest(run)) else []
    made_from = {manifest.product: manifest.account_hash for manifest in manifests}
    table = run.location / Product.VERIFICATION / AGREEMENT
    return made_from | ({str(Product.VERIFICATION): table.sha256()} if table.exists() else {})


def _counts(models: list[Model], drawn: list[Drawing]) -> dict[str, Any]:
    """Say how much is in the report."""
    return {"models": len(models), "revisions": sum(len(one.revisions) for one in models), "figures": len(drawn)}


def _written(stage: Staging, text: str, drawn: list[Drawing]) -> Iterator[tuple[tuple[Location, str], FileEntry]]:
    """Write the page and the figures."""
    yield stage_bytes(stage, PAGE, text.encode())
    if not drawn:
        return
    with progress("draw figures", len(drawn), "figures") as report:
        for number, drawing in enumerate(drawn, 1):
            for kind, data in draw(drawing).items():
                yield stage_bytes(stage, f"{FIGURES}/{drawing.stem}.{kind}", data)
            report(number)
