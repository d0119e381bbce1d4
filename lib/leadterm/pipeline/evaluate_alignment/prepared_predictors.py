"""What is computed once of a corpus's predictors, before any checkpoint is opened: kept as a product of its run."""

from __future__ import annotations

import time

import pyarrow as pa
import torch

from leadterm.alignment import CentredRows, Moments, Predictor, prepare
from leadterm.catalog.products import Product
from leadterm.operators import Operator
from leadterm.pipeline.evaluate_alignment.corpus_statistics import Corpus, names_of
from leadterm.storage import Location, Manifest, is_current, require_manifest, staging
from leadterm.storage.formats.small_tables import read_table, stage_table
from leadterm.telemetry.progress import progress

PREDICTORS = str(Product.PREDICTORS)
FILE = "predictors.parquet"
SETTINGS = ("tokens", "orientation", "norms", "dtype")
"""Of the config's section, those that a predictor depends on."""


def prepare_predictors(corpus: Corpus, device: torch.device) -> None:
    """Compute norms and null moments of a corpus's predictors, unless that is done.

    They follow from the run's other products, so what was computed with other settings is replaced.

    Parameters
    ----------
    corpus
        Which statistics, over which tokens.
    device
        Where to compute.
    """
    place = corpus.run.location
    settings = {name: getattr(corpus.section, name) for name in SETTINGS} | {"device": device.type}
    names = names_of(corpus.section)
    is_prepared = is_current(place, PREDICTORS, corpus.made_from, settings, overwrite="differing")
    if is_prepared and names_in(place) >= set(names):
        return
    started = time.monotonic()
    found = []
    with staging(place) as stage, progress(f"prepare predictors{corpus.suffix}", len(names), "predictors") as report:
        report(0)
        for name, operator in corpus.operators(device).items():
            found.append(prepare(name, operator, norm=corpus.section.norms))
            report(len(found))
        part, entry = stage_table(stage, FILE, _table(found))
        counts = {"predictors": names, "tokens": len(corpus.tokens)}
        seconds = {"prepare": time.monotonic() - started}
        stage.commit(Manifest(PREDICTORS, corpus.made_from, settings, counts, (entry,), seconds), [part])


def names_in(run: Location) -> set[str]:
    """Name the predictors that were prepared."""
    return set(require_manifest(run, PREDICTORS).counts["predictors"])


def _table(predictors: list[Predictor]) -> pa.Table:
    """Lay predictors out: a row for each, with its numbers per token as lists."""
    moments = [one.moments for one in predictors]
    return pa.table(
        {
            "predictor": [one.name for one in predictors],
            "row_norms": _lists([one.rows.norms for one in predictors]),
            "diagonal": _lists([one.diagonal for one in moments]),
            "margins": _lists([one.margins for one in moments]),
            "mean": [one.mean for one in moments],
            "square": [one.square for one in moments],
            "norm_error": [one.norm_error for one in predictors],
        }
    )


def _lists(vectors: list[torch.Tensor]) -> pa.Array:
    return pa.array([vector.cpu().numpy() for vector in vectors], pa.list_(pa.float64()))


COLUMNS = tuple(_table([]).column_names)


def load_predictors(corpus: Corpus, device: torch.device) -> list[Predictor]:
    """Read a corpus's statistics and what was computed of them.

    Parameters
    ----------
    corpus
        As it was given to `prepare_predictors`.
    device
        Where products with them will be made.
    """
    manifest = require_manifest(corpus.run.location, PREDICTORS)
    table = read_table(corpus.run.location, manifest, FILE, COLUMNS)
    at = {name: row for row, name in enumerate(table["predictor"].to_pylist())}
    return [
        _restored(f"{name}{corpus.suffix}", operator, table.slice(at[name], 1))
        for name, operator in corpus.operators(device).items()
    ]


def _restored(name: str, operator: Operator, row: pa.Table) -> Predictor:
    """Put a predictor together from its operator and a row of the table."""
    norms, diagonal, margins = (
        torch.from_numpy(row[part][0].values.to_numpy().copy()).to(operator.device)
        for part in ("row_norms", "diagonal", "margins")
    )
    mean, square, error = (row[part][0].as_py() for part in ("mean", "square", "norm_error"))
    return Predictor(name, CentredRows(operator, norms), Moments(diagonal, margins, mean, square), error)
