"""All that the page tells, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.corpus.required_tokens import check_asked
from leadterm.report import palettes
from leadterm.report.explorer import explorer
from leadterm.report.figure_list import LOSSES, Drawing
from leadterm.report.figure_scales import NAMES, scales
from leadterm.report.heatmap_panels import MEASURES
from leadterm.report.losses import Losses, pretrained_manifest
from leadterm.report.run_facts import accounts
from leadterm.report.score_series import COMPONENTS, PAPER, PREDICTORS, Model
from leadterm.run.open_run import Run
from leadterm.run.summary import shortened
from leadterm.storage import read_manifest
from leadterm.storage.integrity.verified_reader import verify_file
from leadterm.theory_model import read_markdown_table

FIGURES = "figures"
"""The folder, beside the page, of figures as files."""
AGREEMENT = "agreement.md"
"""What ``leadterm verify`` leaves in its folder."""


def blocks(
    run: Run, config: Config, models: Sequence[Model], losses: Losses | None, drawn: Sequence[Drawing]
) -> dict[str, Any]:
    """Gather the page's data.

    Parameters
    ----------
    run
        With its counts.
    config
        What to look up in the page, and with which tokens to begin.
    models
        With the scores of the alignment.
    losses
        Of the model that was trained on the run, if there is one.
    drawn
        The figures that lie beside the page.

    Returns
    -------
    dict
        JSON values by the name that the page's script knows.
    """
    return {
        "accounts": accounts(run, run.alignment_manifests()),
        "agreement": _agreement(run),
        "alignment": {
            "models": [model.to_json() for model in models],
            "components": COMPONENTS,
            "predictors": PREDICTORS,
            "paper": PAPER,
            "measures": MEASURES,
            **scales(),
            "figures": [[one.model, one.choice, one.measure, f"{FIGURES}/{one.stem}"] for one in drawn],
        },
        "losses": _losses(run, losses, drawn),
        "palettes": {
            "sequential": palettes.VIRIDIS,
            "diverging": palettes.DIVERGING,
            "lines": palettes.LINES,
            "lines_dark": palettes.LINES_DARK,
        },
        "explorer": _explorer(run, config) if config.report.explorer_tokens else None,
    }


def _agreement(run: Run) -> list[dict[str, Any]]:
    """Read the table of a verification; empty where there was none."""
    table, manifest = run.location / Product.VERIFICATION / AGREEMENT, read_manifest(run.location, Product.VERIFICATION)
    for entry in manifest.files if manifest else ():
        if entry.name == AGREEMENT:
            verify_file(run.location, Product.VERIFICATION, entry)
    rows = read_markdown_table(table.read_bytes().to_pybytes().decode()) if table.exists() else []
    return [{name: _or_none(value) for name, value in row.items()} for row in rows]


def _losses(run: Run, losses: Losses | None, drawn: Sequence[Drawing]) -> dict[str, Any] | None:
    """Gather what the page tells of the training of a language model on the run; None where there was none."""
    manifest = pretrained_manifest(run)
    if losses is None or manifest is None:
        return None
    files = [f"{FIGURES}/{one.stem}" for one in drawn if one.choice == LOSSES]
    told = {name: manifest.settings[name] for name in ("layers", "steps", "batch")}
    told |= {"parameters": manifest.counts["parameters"], "vocabulary": run.vocabulary_size}
    return {**losses.to_json(), **told, "names": NAMES, "file": files[0] if files else None}


def _or_none(value: Any) -> Any:
    """Replace what JSON has no number for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _explorer(run: Run, config: Config) -> dict[str, Any]:
    """Gather what the page looks tokens up in, and with which of them it begins."""
    found = explorer(run, config.report.explorer_tokens, config.report.k)
    check_asked(config, run.names.tokens)
    wanted = [run.names.tokens[run.token_id(typed)] for typed in config.associations.tokens]
    return {**found, "examples": [shortened(token) for token in wanted]}
