"""The job ``compose_weights``: the scores of attention, G = B'(B Phi), at the pairs that occur; runs on the driver."""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import AttentionSection, Config
from leadterm.frequent_tokens import top_tokens
from leadterm.operators import resolve_device
from leadterm.pipeline.compose_weights import Composed, PairStatistics, compose_scores
from leadterm.pipeline.compose_weights.cuda import compose_scores_on, device_width
from leadterm.pipeline.compose_weights.score_scratch import Unfinished
from leadterm.pipeline.lifecycle import Order, carry_out, job
from leadterm.storage import FileEntry, Location, Manifest, Staging
from leadterm.storage.formats.matrix_files import read_matrix
from leadterm.storage.formats.score_file import SCORES, margins_table, write_scores
from leadterm.storage.formats.small_tables import MARGINS, VOCABULARY, read_table, stage_table
from leadterm.storage.read_products import PARTS, Overwrite
from leadterm.telemetry.progress import progress

logger = logging.getLogger("leadterm")

SUMMED_BY = {"cpu": "rank", "cuda": "id"}
"""In which order the products of a score are added up: of next tokens by rank, or of ids. Products and staged scores of
another order are not taken for these."""


@job(Job.COMPOSE_WEIGHTS)
def compose_weights(config: Config, run: Location, *, overwrite: Overwrite = False) -> bool:
    """Make the product ``composed`` of a run.

    Parameters
    ----------
    config
        Its section ``attention``.
    run
        The run directory; it holds ``vocabulary``, ``bigram`` and ``context``.
    overwrite
        Make the product anew; ``differing``: only if it was made from other counts or with other settings.

    Returns
    -------
    bool
        False if it was there already, made from the same counts with the same settings.

    Raises
    ------
    RunError
        If the counts are missing or damaged, or the run directory holds another run.
    ConfigError
        If ``attention.memory`` does not suffice.
    MachineError
        If there is no such device, or not even one column fits its memory.
    """
    device = chosen_device(config.attention)
    settings = {"device": device, "summed_by": SUMMED_BY[device]}  # The last digits depend on both.
    order = Order.of(Job.COMPOSE_WEIGHTS, config, run, overwrite=overwrite, settings=settings)
    bigram, started = order.inputs[Product.BIGRAM], time.monotonic()
    details = partial(_details, device, bigram)

    def compose(stage: Staging) -> None:
        with scratch_of(stage) as scratch:
            statistics = read_statistics(run, order.inputs, config.attention)
            composed = _compose(statistics, device, config.attention.memory, scratch, details())
            counts = {**bigram.window_counts, "kept": statistics.n_kept, "nonzeros": len(composed.scores)}
            seconds = {"compose": time.monotonic() - started}
            commit_scores(stage, composed, order.manifest(Product.COMPOSED, counts=counts, seconds=seconds))

    return carry_out(order, compose, details)


@contextmanager
def scratch_of(stage: Staging) -> Iterator[Unfinished]:
    """Choose where the scores are put together: beside the product if that is a local disk, where they can stay."""
    if stage.folder.is_local:
        yield Unfinished(Path(stage.folder.path), stage.parts)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Unfinished(Path(folder), Location.of(folder))


def read_statistics(run: Location, manifests: dict[str, Manifest], section: AttentionSection) -> PairStatistics:
    """Read the counts, and keep the most frequent tokens if a number is asked for."""
    context, bigram = manifests[Product.CONTEXT], manifests[Product.BIGRAM]
    weights = read_matrix(run, context)
    weights.data = np.ldexp(weights.data.astype(np.float64), -int(context.settings["scale_bits"]))
    kept = None
    if section.top_tokens is not None:
        counts = read_table(run, manifests[Product.VOCABULARY], VOCABULARY)["count"].to_numpy()
        kept = top_tokens(counts, section.top_tokens)
    return PairStatistics.from_counts(read_matrix(run, bigram), weights, int(bigram.counts["positions"]), kept)


def chosen_device(section: AttentionSection) -> str:
    """Choose where to compose."""
    if section.device != "auto":
        return section.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _details(device: str, bigram: Manifest) -> dict[str, Any]:
    """Say what the last digits depend on besides, on a GPU: blocks that may differ in them are not mixed."""
    if device == "cpu":
        return {}
    gpu = resolve_device(device)
    width = device_width(gpu, bigram.counts["vocabulary_size"], bigram.counts["nonzeros"])
    return {"torch": torch.__version__, "gpu": torch.cuda.get_device_name(gpu), "width": width}


def _compose(
    statistics: PairStatistics, device: str, memory_bytes: int, scratch: Unfinished, details: dict[str, Any]
) -> Composed:
    """Compute the scores into a file that is mapped into memory, which may be larger than memory."""
    scores, done = scratch.open(statistics.context.nnz)
    if len(done):
        logger.info(
            "compose scores: %.0f %% of the tokens had already been composed", 100 * len(done) / statistics.size
        )
    with progress("compose scores", statistics.size, "tokens") as report:
        go_on: Any = {"on_progress": report, "done": done, "on_block": scratch.save}
        if device == "cpu":
            return compose_scores(statistics, scores, memory_bytes, **go_on)
        return compose_scores_on(resolve_device(device), statistics, scores, width=details["width"], **go_on)


def commit_scores(stage: Staging, composed: Composed, base: Manifest) -> None:
    """Write the scores and their margins, then let the product appear."""
    offsets = composed.pairs.indptr.astype(np.int64)
    place = stage.folder / PARTS / SCORES
    sink = write_scores(place, offsets, composed.pairs.indices.astype(np.int32, copy=False), composed.scores)
    margins = margins_table(composed.kept, composed.without_row, spreads(composed))
    part, entry = stage_table(stage, MARGINS, margins)
    files = (FileEntry(SCORES, sink.n_bytes, sink.sha256), entry)
    stage.commit(replace(base, files=files), [(place, SCORES), part])


def spreads(composed: Composed) -> NDArray[np.float64]:
    """Give the largest less the smallest score before each next token: float64 (V,).

    A context token that is not kept scores 0, which counts where there are such tokens; before a next token that is not
    kept, all kept context tokens count.
    """
    offsets = composed.pairs.indptr
    filled = np.flatnonzero(np.diff(offsets))
    low, high = np.zeros((2, len(composed.kept)))
    low[filled] = np.minimum.reduceat(composed.scores, offsets[filled])
    high[filled] = np.maximum.reduceat(composed.scores, offsets[filled])
    if not composed.kept.all():
        others = ~composed.kept
        low[others], high[others] = composed.without_row.min(), composed.without_row.max()
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    spread: NDArray[np.float64] = high - low
    return spread
