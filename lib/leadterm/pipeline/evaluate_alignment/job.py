"""The job ``evaluate_alignment``: how far checkpoints agree with the corpus, revisions in parallel on executors."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict

from leadterm.catalog.jobs import Job
from leadterm.config import AlignmentSection, Config
from leadterm.errors import ConfigError, InputError
from leadterm.pipeline.evaluate_alignment.corpus_statistics import Corpus, corpora_of
from leadterm.pipeline.evaluate_alignment.layer_progress import progress_of_layers
from leadterm.pipeline.evaluate_alignment.prepared_predictors import prepare_predictors
from leadterm.pipeline.evaluate_alignment.requested_revisions import Wanted, wanted_revisions
from leadterm.pipeline.evaluate_alignment.task import Scorer, device_of, made_from_of
from leadterm.pipeline.lifecycle import Order, job
from leadterm.spark.parallel_map import is_local, parallel_map
from leadterm.spark.session import Session
from leadterm.storage import Location, read_manifest, staging
from leadterm.storage.formats.alignment_table import alignment_manifests, same_weights
from leadterm.storage.read_products import PARTS, Overwrite

logger = logging.getLogger("leadterm")


def evaluate_alignment(session: Session, config: Config, run: Location, *, overwrite: Overwrite = False) -> bool:
    """Make a product ``alignment/…`` for each revision of each checkpoint.

    Parameters
    ----------
    session
        Spark.
    config
        Its section ``alignment``.
    run
        The run directory; it holds the counts and the attention terms.
    overwrite
        Score anew; ``differing``: only what was scored with other weights, statistics or settings.

    Returns
    -------
    bool
        False if all revisions were scored already, with the same statistics and settings.

    Raises
    ------
    ConfigError
        If the config has no section ``alignment``.
    InputError
        If there is no checkpoint or revision, or some could not be scored; the others are saved.
    RunError
        If the run lacks a product, or holds scores of other statistics or settings.
    """
    if config.alignment is None:
        raise ConfigError("the config has no section alignment. Name checkpoints in alignment.checkpoints.")
    return score_revisions(session, config.alignment, run, wanted_revisions(config.alignment, run), overwrite=overwrite)


@job(Job.EVALUATE_ALIGNMENT)
def score_revisions(
    session: Session,
    section: AlignmentSection,
    run: Location,
    wanted: Sequence[Wanted],
    *,
    overwrite: Overwrite = False,
) -> bool:
    """Score some revisions as a section says; see `evaluate_alignment`."""
    corpora = corpora_of(section, run)
    statistics = made_from_of(corpora)
    pending = [one for one in wanted if not _order(one, section, run, statistics, overwrite=overwrite).is_current()]
    if pending:
        _score(session, section, run, corpora, pending)
    for names in same_weights(alignment_manifests(run)):
        logger.warning("byte-identical weights: %s", ", ".join(names))
    return bool(pending)


def _order(
    wanted: Wanted, section: AlignmentSection, run: Location, statistics: dict[str, str], *, overwrite: Overwrite
) -> Order:
    """Describe what is made of a revision: from the same files as before, or under the same name on the hub."""
    found = read_manifest(run, wanted.product)
    weights = {"weights": found.made_from.get("weights"), "files": wanted.hash_files(run)} if found else {}
    made_from, settings = {**weights, **statistics}, wanted.settings(section)
    return Order(Job.EVALUATE_ALIGNMENT, run, made_from, settings, overwrite=overwrite, products=(wanted.product,))


def _score(
    session: Session,
    section: AlignmentSection,
    run: Location,
    corpora: Sequence[Corpus],
    pending: Sequence[Wanted],
) -> None:
    """Score revisions, and refuse at the end what could not be scored."""
    device = device_of(section.device, None)
    for each in corpora:
        prepare_predictors(each, device)
    with staging(run) as stage:
        marks = stage.folder / PARTS
        scorer = Scorer(run.uri, section, section.corpus or run.name, marks.uri)
        at_once = section.at_once or (1 if device.type == "cuda" and is_local(session) else None)
        with progress_of_layers(marks, len(pending)):
            items = [json.dumps(asdict(wanted)) for wanted in pending]
            errors = parallel_map(session, items, scorer, at_once, description="evaluate alignment")
    failed = [f"{wanted}: {error}" for wanted, error in zip(pending, errors, strict=True) if error]
    if failed:
        kept = "the others are saved; fix these and run again" if len(failed) < len(pending) else "none was"
        raise InputError(
            f"{len(failed)} of {len(pending)} revisions could not be scored ({kept}):\n" + "\n".join(failed)
        )
