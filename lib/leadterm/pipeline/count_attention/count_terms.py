"""What the jobs that count attention terms share: windows and scores become a query-key matrix and a position bias."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from leadterm.catalog.products import Product, Statistic
from leadterm.config import Config
from leadterm.counting import RowGroups, plan_memory
from leadterm.errors import LeadtermError, RunError
from leadterm.pipeline.aggregation.driver import Merged, count_and_merge
from leadterm.pipeline.aggregation.partial_sums import PartialsWriter
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.count_attention.precision import TermUnits
from leadterm.pipeline.count_attention.task import AttentionCounter, ScoresFile
from leadterm.pipeline.lifecycle import Order, carry_out
from leadterm.storage import Location, Manifest, Staging
from leadterm.storage.formats.matrix_files import Average, read_matrix
from leadterm.storage.formats.score_file import SCORES
from leadterm.storage.formats.small_tables import MARGINS, POSITION, position_table, read_table, stage_table
from leadterm.storage.formats.windows_files import WindowsFiles
from leadterm.storage.require_products import who_makes


@dataclass(frozen=True)
class AttentionProducts:
    """The products of one optimizer: the scores that are read, and the two that are made."""

    composed: Product
    query_key: Product
    position: Product

    @property
    def statistics(self) -> tuple[Statistic, Statistic]:
        """What partial sums call those that are made."""
        return Statistic[self.query_key.name], Statistic[self.position.name]


def count_terms(
    session: SparkSession, config: Config, run: Location, order: Order, products: AttentionProducts, tasks: int | None
) -> bool:
    """Make the two products from the scores.

    Parameters
    ----------
    session
        Spark.
    config
        Its sections ``counting`` and ``attention``.
    run
        The run directory.
    order
        Of the job.
    products
        Which are read and made.
    tasks
        How many tasks count, and how many merge; the products do not depend on it.

    Returns
    -------
    bool
        False if both were there already, made from the same inputs with the same settings.

    Raises
    ------
    RunError
        If an input is damaged, or made from another corpus.
    """
    windows, bigram, composed = (order.inputs[name] for name in (Product.WINDOWS, Product.BIGRAM, products.composed))
    _check_same_corpus(run, windows, bigram, composed, products.composed)
    started = time.monotonic()

    @cache
    def scales() -> tuple[pa.Table, TermUnits]:
        margins = read_table(run, composed, MARGINS)
        return margins, TermUnits.from_counts(read_matrix(run, bigram), margins["spread"].to_numpy())

    def count(stage: Staging) -> None:
        margins, units = scales()
        with _scores_file(session, config, run, composed, products.composed) as scores:
            merged = _count(session, config, run, windows, stage, scores, margins, units, products, tasks)
        seconds = {"read": time.monotonic() - started - sum(merged.seconds.values()), **merged.seconds}
        passing = {"partials": merged.partial_bytes}
        _commit(stage, windows, merged, units, products, order.manifest(seconds=seconds, passing_bytes=passing))

    return carry_out(order, count, lambda: {"units": scales()[1].digest})


def _check_same_corpus(
    run: Location, windows: Manifest, bigram: Manifest, composed: Manifest, name_of_scores: Product
) -> None:
    """Refuse scores that were composed from other counts, or counts of other windows."""
    pairs = (
        (Product.BIGRAM, bigram.made_from.get(Product.WINDOWS), Product.WINDOWS, windows),
        (name_of_scores, composed.made_from.get(Product.BIGRAM), Product.BIGRAM, bigram),
    )
    for name, hash_then, source, now in pairs:
        if hash_then != now.content_hash:
            again = f"Run {who_makes(run, name)} again."
            raise RunError(f"'{name}' was made from a different '{source}' than the run holds. {again}")
    size = windows.counts["vocabulary_size"]
    for name, manifest in ((Product.BIGRAM, bigram), (name_of_scores, composed)):
        found = manifest.counts["vocabulary_size"]
        if found != size:
            raise RunError(f"'{name}' has {found:,} tokens and 'windows' {size:,}. Encode and count again.")


@contextmanager
def _scores_file(
    session: SparkSession, config: Config, run: Location, composed: Manifest, product: Product
) -> Iterator[ScoresFile]:
    """Make the scores reachable for the executors, through the filesystem or by Spark."""
    sha256 = next(entry.sha256 for entry in composed.files if entry.name == SCORES)
    place = run / product / SCORES
    if config.attention.distribution == "filesystem" or (config.attention.distribution == "auto" and run.is_local):
        yield ScoresFile(place.uri, sha256, handed_out=False)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"scores-{sha256[:16]}.arrow"  # Spark tells files apart by their names.
        _fetch(place, copy)
        session.sparkContext.addFile(str(copy))
        yield ScoresFile(copy.name, sha256, handed_out=True)


def _fetch(place: Location, copy: Path) -> None:
    """Bring a file to this machine; on one disk a second name will do."""
    if place.is_local:
        try:
            os.link(place.path, copy)
        except OSError:
            shutil.copyfile(place.path, copy)
        return
    with place.filesystem.open_input_stream(place.path) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target)


def _count(
    session: SparkSession,
    config: Config,
    run: Location,
    windows: Manifest,
    stage: Staging,
    scores: ScoresFile,
    margins: pa.Table,
    units: TermUnits,
    products: AttentionProducts,
    tasks: int | None,
) -> Merged:
    """Count and merge."""
    size, length = windows.counts["vocabulary_size"], windows.settings["windows"]["length"]
    folder, rows_per_file = stage.folder.uri, min(config.counting.rows_per_file, size)
    groups = RowGroups.divide(rows_per_file, max(size, length + 1))
    counter = AttentionCounter(
        windows=WindowsFiles.of(run, windows),
        length=length,
        scores=scores,
        kept=margins["kept"].to_numpy(),
        without_row=margins["without_row"].to_numpy(),
        row_bits=units.row_bits,
        position_bits=units.position_bits,
        memory=plan_memory(config.counting.memory_per_task, size, length, attention=True),
        partials=PartialsWriter(folder, groups),
        statistics=products.statistics,
    )
    average = Average(windows.counts["positions"], units.row_bits)
    writer = MatrixWriter(folder, size, 0, groups, average, longest_vector=length + 1)
    return count_and_merge(session, "attention", windows, counter, writer, tasks)


def _commit(
    stage: Staging, windows: Manifest, merged: Merged, units: TermUnits, products: AttentionProducts, base: Manifest
) -> None:
    """Check the accounts, then let both products appear."""
    vector, matrix = merged.vector(products.position), merged.matrix(products.query_key)
    n_positions, length = windows.counts["positions"], windows.settings["windows"]["length"]
    if int(vector[length]) != n_positions:
        raise LeadtermError(
            f"consistency check failed: {int(vector[length]):,} positions were counted, but the windows hold "
            f"{n_positions:,}. Please report this."
        )
    counts = windows.window_counts | {"nonzeros": matrix.nonzeros}
    stage.commit(replace(base, product=products.query_key, counts=counts, files=matrix.entries), matrix.places)
    bias = np.ldexp(vector[:length].astype(np.float64), -units.position_bits) / n_positions
    part, entry = stage_table(stage, POSITION, position_table(bias))
    stage.commit(replace(base, product=products.position, counts=windows.window_counts, files=(entry,)), [part])
