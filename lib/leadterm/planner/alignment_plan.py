"""From a sample of a corpus to what the comparison of checkpoints with it will take, for ``leadterm plan``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from leadterm.axes import Axis
from leadterm.catalog.products import Product
from leadterm.checkpoints.shapes import Shape, shape_of
from leadterm.config import AlignmentSection, Config
from leadterm.errors import LeadtermError
from leadterm.operators import Operator, SparseOperator, resolve_device
from leadterm.planner.alignment_cost import Sizes, expect_alignment
from leadterm.planner.alignment_rates import Rates, measure_rates
from leadterm.planner.cost_model import Observed, predict_entries, predict_shuffled
from leadterm.planner.observe import Observation
from leadterm.planner.planned_stage import PlannedStage


def plan_alignment(config: Config, seen: Observation, cores: int) -> tuple[list[PlannedStage], list[str]]:
    """Predict the shuffled run and the comparison of checkpoints, where the config asks for them.

    Parameters
    ----------
    config
        Of the run.
    seen
        Of a sample.
    cores
        That compute.

    Returns
    -------
    stages, notes
        In order, and what is left out.
    """
    section = config.alignment
    if section is None:
        return [], []
    stages = predict_shuffled(config, seen.observed, cores)
    shapes, notes = _shapes(section)
    if not section.checkpoints:
        notes.append("alignment is not predicted: the config names no checkpoint")
    if not shapes:
        return stages, notes
    corpora = [_sizes(section, config, seen.observed)]
    if seen.observed.shuffled:
        corpora.append(_sizes(section, config, replace(seen.observed, census=seen.observed.shuffled)))
    stage = expect_alignment(section, corpora, shapes, _rates(seen), cores)
    if _on_gpu(section):
        notes.append("checkpoints are compared on a GPU, whose time is not predicted")
        stage = replace(stage, seconds=None)
    return [*stages, stage], notes


def _shapes(section: AlignmentSection) -> tuple[list[Shape], list[str]]:
    """Look at the models that are here, and name the others."""
    shapes, notes = [], []
    for model in section.checkpoints:
        try:
            shapes.append(shape_of(model.source, model.revisions))
        except LeadtermError as error:
            notes.append(f"alignment is not predicted for {model.label}: {error}")
    return shapes, notes


def _sizes(section: AlignmentSection, config: Config, observed: Observed) -> Sizes:
    """Predict how many tokens are compared, and the nonzeros of the counts among them."""
    size, wanted = observed.corpus.vocabulary, section.tokens
    if isinstance(wanted, int):
        tokens = size.through(lambda number: min(number, wanted))
        names = {"bigram": "kept_bigram", "context": "kept_context", "query_key": "query_key"}
    else:
        tokens = size if wanted == "all" else predict_entries(config, observed, "rows", ceiling=size.value)
        names = {name: name for name in map(str, (Product.BIGRAM, Product.CONTEXT, Product.QUERY_KEY))}
    return Sizes(tokens, {name: predict_entries(config, observed, counted) for name, counted in names.items()})


def _rates(seen: Observation) -> Rates:
    """Measure on the sample's own matrices, over the tokens that occur."""
    counts, contexts = seen.matrices
    occurring = np.flatnonzero(np.diff(counts.indptr) + np.bincount(counts.indices, minlength=counts.shape[0]))
    bigram, context = (
        SparseOperator(csr_array(matrix[occurring][:, occurring]), axes, dtype="float64")
        for matrix, axes in ((counts, (Axis.CURRENT, Axis.NEXT)), (contexts, (Axis.NEXT, Axis.CONTEXT)))
    )
    followers, before = float(counts.nnz), float(contexts.nnz)
    operators: list[tuple[Operator, float]] = [
        (bigram, followers), (context, before), (context.T @ bigram.T, followers + before)
    ]  # fmt: skip
    return measure_rates(operators)


def _on_gpu(section: AlignmentSection) -> bool:
    """Say whether this machine would compare on a GPU."""
    if section.device != "auto":
        return section.device == "cuda"
    try:
        resolve_device("cuda")
    except LeadtermError:
        return False
    return True
