"""The job ``evaluate_alignment``: how far checkpoints agree with the corpus, revisions side by side on executors."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from leadterm.checkpoints import find_revisions
from leadterm.config import AlignmentSection, CheckpointSection, Config
from leadterm.errors import ConfigError, InputError
from leadterm.evaluation.corpora import Corpus, corpora_of
from leadterm.evaluation.marks import progress_of_layers
from leadterm.evaluation.predictors import prepare_predictors
from leadterm.evaluation.revisions import Scorer, Wanted, device_of
from leadterm.pretraining import PRETRAINED
from leadterm.spark.session import Session
from leadterm.spark.side_by_side import side_by_side
from leadterm.store import Location, is_current, read_manifest, staging
from leadterm.store.alignment import alignment_manifests
from leadterm.store.products import PARTS

logger = logging.getLogger("leadterm")


def evaluate_alignment(session: Session, config: Config, run: Location, *, overwrite: bool = False) -> bool:
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
        Replace scores of other weights, of other statistics or with other settings.

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
    return score_checkpoints(session, config.alignment, run, overwrite=overwrite)


def score_checkpoints(session: Session, section: AlignmentSection, run: Location, *, overwrite: bool = False) -> bool:
    """Score checkpoints as a section says, without a config; see `evaluate_alignment`."""
    corpora, corpus = corpora_of(section, run), section.corpus or run.name
    pending = [
        wanted
        for wanted in wanted_revisions(section, run)
        if not _is_done(wanted, wanted.settings(section, corpus), run, corpora, overwrite=overwrite)
    ]
    if pending:
        _score(session, section, run, corpus, corpora, pending)
    _report_duplicates(run)
    return bool(pending)


def wanted_revisions(section: AlignmentSection, run: Location) -> list[Wanted]:
    """List the revisions that are scored: of the section's checkpoints, and of what was trained on the run.

    Raises
    ------
    InputError
        If there are none.
    """
    models = list(section.checkpoints)
    own = run / PRETRAINED
    if own.is_local and own.exists():
        models.append(CheckpointSection(source=own.path, revisions=("all",), name=PRETRAINED))
    if not models:
        raise InputError(
            "there is no checkpoint to compare with the corpus. Name some in alignment.checkpoints, or train one on "
            "the run's windows with `leadterm pretrain`."
        )
    return [wanted for model in models for wanted in _revisions(model)]


def _revisions(model: CheckpointSection) -> Iterator[Wanted]:
    """Find the revisions of a model that are meant."""
    for revision in find_revisions(model.source, model.revisions):
        yield Wanted(model.label, model.source, revision.name, revision.step, model.allow_zeros)


def _is_done(
    wanted: Wanted, settings: dict[str, object], run: Location, corpora: Sequence[Corpus], *, overwrite: bool
) -> bool:
    """Say whether a revision was scored; its weights are taken for what they were then."""
    found = read_manifest(run, wanted.product)
    statistics = {name: content for corpus in corpora for name, content in corpus.made_from.items()}
    weights = found.made_from.get("weights") if found else None
    return is_current(run, wanted.product, {"weights": weights, **statistics}, settings, overwrite=overwrite)


def _score(
    session: Session,
    section: AlignmentSection,
    run: Location,
    corpus: str,
    corpora: Sequence[Corpus],
    pending: Sequence[Wanted],
) -> None:
    """Score revisions, and refuse at the end what could not be scored."""
    for each in corpora:
        prepare_predictors(each, device_of(section.device, None))
    with staging(run) as stage:
        marks = stage.folder / PARTS
        scorer = Scorer(run.uri, section, corpus, (marks / "layers").uri)
        with progress_of_layers(marks / "layers", len(pending)):
            errors = side_by_side(session, [json.dumps(asdict(wanted)) for wanted in pending], scorer)
    failed = [f"{wanted}: {error}" for wanted, error in zip(pending, errors, strict=True) if error]
    if failed:
        kept = "the others are saved; correct these and run again" if len(failed) < len(pending) else "none was"
        raise InputError(
            f"{len(failed)} of {len(pending)} revisions could not be scored ({kept}):\n" + "\n".join(failed)
        )


def _report_duplicates(run: Location) -> None:
    """Say which revisions are byte for byte the same: published suites contain such."""
    same: dict[str, list[str]] = defaultdict(list)
    for manifest in alignment_manifests(run):
        same[manifest.made_from["weights"]].append(f"{manifest.settings['model']} at {manifest.settings['revision']!r}")
    for revisions in same.values():
        if len(revisions) > 1:
            logger.warning("the same weights, byte for byte: %s", ", ".join(revisions))
