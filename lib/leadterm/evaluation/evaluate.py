"""The job ``evaluate_alignment``: how far checkpoints agree with the corpus, revisions side by side on executors."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from leadterm.checkpoints import find_revisions
from leadterm.config import AlignmentSection, Config
from leadterm.errors import ConfigError, InputError
from leadterm.evaluation.corpora import Corpus, corpora_of
from leadterm.evaluation.marks import progress_of_layers
from leadterm.evaluation.predictors import prepare_predictors
from leadterm.evaluation.revisions import Scorer, Wanted, device_of, hash_files, made_from_of
from leadterm.pretraining import PRETRAINED
from leadterm.spark.session import Session
from leadterm.spark.side_by_side import is_local, side_by_side
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
    return score_revisions(session, config.alignment, run, wanted_revisions(config.alignment, run), overwrite=overwrite)


def score_revisions(
    session: Session, section: AlignmentSection, run: Location, wanted: Sequence[Wanted], *, overwrite: bool = False
) -> bool:
    """Score some revisions as a section says; see `evaluate_alignment`."""
    corpora = corpora_of(section, run)
    statistics = made_from_of(corpora)
    pending = [one for one in wanted if not _is_done(one, one.settings(section), run, statistics, overwrite=overwrite)]
    if pending:
        _score(session, section, run, corpora, pending)
    _report_duplicates(run)
    return bool(pending)


def wanted_revisions(section: AlignmentSection, run: Location) -> list[Wanted]:
    """List the revisions that are scored: of the section's checkpoints, and of what was trained on the run.

    Raises
    ------
    InputError
        If there are none, or a checkpoint or revision is not there.
    """
    own = own_revisions(run)
    if own and any(model.label == PRETRAINED for model in section.checkpoints):
        raise InputError(
            f"alignment.checkpoints calls a model '{PRETRAINED}', as the one is called that was trained on the run. "
            "Give it another name."
        )
    found = [*named_revisions(section), *own]
    if not found:
        raise InputError(
            "there is no checkpoint to compare with the corpus. Name some in alignment.checkpoints, or train one on "
            "the run's windows with `leadterm pretrain`."
        )
    return found


def named_revisions(section: AlignmentSection) -> list[Wanted]:
    """List the revisions of a section's checkpoints."""
    return [
        Wanted(model.label, model.source, revision.name, revision.step, model.allow_zeros)
        for model in section.checkpoints
        for revision in find_revisions(model.source, model.revisions)
    ]


def own_revisions(run: Location) -> list[Wanted]:
    """List the revisions of the model that was trained on the run, if there is one."""
    own = run / PRETRAINED
    if not own.is_local or not any(Path(own.path).glob("step*/config.json")):
        return []
    revisions = find_revisions(own.path, "all")
    return [Wanted(PRETRAINED, PRETRAINED, one.name, one.step, allow_zeros=False, is_own=True) for one in revisions]


def _is_done(
    wanted: Wanted, settings: dict[str, object], run: Location, statistics: dict[str, str], *, overwrite: bool
) -> bool:
    """Say whether a revision was scored, from the same files, or under the same name on the hub."""
    found = read_manifest(run, wanted.product)
    if found is None:
        return is_current(run, wanted.product, {}, settings, overwrite=overwrite)
    made_from = {"weights": found.made_from.get("weights"), "files": hash_files(wanted, run), **statistics}
    return is_current(run, wanted.product, made_from, settings, overwrite=overwrite)


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
            errors = side_by_side(session, [json.dumps(asdict(wanted)) for wanted in pending], scorer, at_once)
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
