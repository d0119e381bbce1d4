"""All jobs of a run in their order; each one that was done for the same inputs and settings is skipped."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadterm.catalog.jobs import Job, jobs_where
from leadterm.catalog.products import SHUFFLED_RUN
from leadterm.config import AlignmentSection, Config, canonical
from leadterm.corpus.required_tokens import beyond, check_asked, check_asked_first
from leadterm.errors import InputError
from leadterm.pipeline.add_files.job import add_files
from leadterm.pipeline.job_choice import is_asked
from leadterm.pipeline.lifecycle import function_of
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.pipeline.preflight import counted_size, require_possible, require_room
from leadterm.pipeline.subtract_documents.job import subtract_documents
from leadterm.spark.session import spark_session
from leadterm.storage import Location, Stage, staging
from leadterm.storage.formats.alignment_table import remove_old_scores
from leadterm.storage.integrity.provenance import remove_stale
from leadterm.storage.read_products import Overwrite
from leadterm.storage.staged.replace_products import finish_swaps
from leadterm.storage.stored_run import StoredRun
from leadterm.telemetry.progress import part_of

SHUFFLED = SHUFFLED_RUN
"""Stands, among the names of jobs, for those of the shuffled run."""

logger = logging.getLogger("leadterm")


def jobs_of(config: Config) -> list[str]:
    """Name the jobs that a config asks for, in order; :data:`SHUFFLED` stands for those of the shuffled run."""
    return [SHUFFLED if job is Job.SHUFFLE_CORPUS else str(job) for job in Job if is_asked(config, job)]


def run_jobs(
    config: Config, run: Location, names: Sequence[str] | None = None, *, overwrite: Overwrite = False
) -> None:
    """Run some jobs one after the other, in a Spark session of their own or the one that runs already.

    Parameters
    ----------
    config
        Settings of all jobs.
    run
        The run directory; made if it is not there.
    names
        Of the jobs, in order; by default all that the config asks for.
    overwrite
        Make products anew; ``differing``: only those that were made from other inputs or with other settings.
    """
    names = jobs_of(config) if names is None else names
    require_possible(config, run, names)
    if config.alignment and Job.EVALUATE_ALIGNMENT in names:
        wanted_products(config.alignment, run)  # What is not there is told before hours of counting.
    if Job.ENCODE_CORPUS in names and (tokens := check_asked_first(config)):
        _check_vocabulary(config, run, names, tokens)
    finish_swaps(run)
    needs_spark = any(name == SHUFFLED or Job(name).on_executors for name in names)
    context: Any = spark_session(f"leadterm {run}", config.spark) if needs_spark else nullcontext()
    with context as session, _overwriting(config, run, names, overwrite) as overwrites:
        for number, name in enumerate(names):
            try:
                _run_one(session, config, run, name, overwrites)
                if name == Job.ENCODE_CORPUS:  # It may have had nothing to do, with other wishes.
                    _check_encoded(config, run, names[number:])
            except InputError:
                if name == Job.EVALUATE_ALIGNMENT and Job.BUILD_REPORT in names[number:]:
                    _run_one(session, config, run, Job.BUILD_REPORT, overwrites)  # Of what could be scored.
                raise


def _check_encoded(config: Config, run: Location, names: Sequence[str]) -> None:
    """Refuse now what some jobs would refuse of a run after hours of counting."""
    if size := counted_size(run):
        require_room(config, size, names)
    tokens = StoredRun(run).vocabulary["token"].to_pylist()
    _check_vocabulary(config, run, names, tokens)
    for remark in beyond(config, len(tokens)):
        logger.warning(remark)


def _check_vocabulary(config: Config, run: Location, names: Sequence[str], tokens: Sequence[str]) -> None:
    """Refuse now what some jobs would refuse of a vocabulary after hours of counting."""
    check_asked(config, tokens)
    if config.alignment and Job.EVALUATE_ALIGNMENT in names:
        from leadterm.pipeline.evaluate_alignment import check_vocabularies, named_revisions  # noqa: PLC0415  # brings PyTorch

        check_vocabularies(named_revisions(config.alignment), tokens)


class Overwrites:
    """Which jobs make their products anew: once each, though the command is stopped and given again.

    Parameters
    ----------
    overwrite
        As the jobs take it.
    done
        Where it is written which jobs have made theirs anew; None if none does.
    """

    def __init__(self, overwrite: Overwrite = False, done: Location | None = None) -> None:
        self._overwrite, self._done = overwrite, done

    def of(self, job: str) -> Overwrite:
        """Say what a job does with products that are there."""
        is_done = self._done is not None and (self._done / _flat(job)).exists()
        return "differing" if is_done else self._overwrite

    def note(self, job: str) -> None:
        """Note that a job is done."""
        if self._done is not None:
            (self._done / _flat(job)).write_bytes(b"done")


def _flat(job: str) -> str:
    """Name a job, perhaps of the shuffled run, as a file."""
    return job.replace("/", "-")


@contextmanager
def _overwriting(config: Config, run: Location, names: Sequence[str], overwrite: Overwrite) -> Iterator[Overwrites]:
    """Keep account, in a staging folder of the run, of what was made anew, so that a stopped command can go on."""
    if overwrite is not True:
        yield Overwrites(overwrite)
        return
    with staging(run, Stage("overwrite", {}, canonical(config), {"jobs": list(names)})) as stage:
        yield Overwrites(overwrite, stage.parts)


def add_to_run(config: Config, run: Location, files: Sequence[str] = (), *, only_counts: bool = False) -> None:
    """Add the files that a run has not counted yet, then make anew what is made from the counts.

    What was made from the old counts is removed: none of it can be added up, as the scores of attention change with the
    corpus, and with them all that follows. So each of these jobs does the whole corpus again.

    Parameters
    ----------
    config
        Settings of all jobs.
    run
        The run directory; made if it is not there.
    files
        As `leadterm.pipeline.add_files.job.add_files` takes them.
    only_counts
        Leave what is made from the counts as it is; readers refuse it, and the next call makes it anew.
    """
    added = [str(job) for job in jobs_where(adds_up=True) if is_asked(config, job)]
    require_possible(config, run, added[1:] if only_counts else jobs_of(config))
    wanted = [] if only_counts or not config.alignment else wanted_products(config.alignment, run)
    check_asked_first(config)
    with spark_session(f"leadterm {run}", config.spark) as session:
        add_files(session, config, run, files)
        if only_counts:
            run_jobs(config, run, added[1:])
            return
        remove_stale(run, with_shuffled=config.alignment is not None and config.alignment.shuffled)
        if config.alignment:
            remove_old_scores(run, wanted)
        run_jobs(config, run, jobs_of(config)[1:])


def wanted_products(section: AlignmentSection, run: Location) -> list[str]:
    """Name the products of all revisions that a config asks for; one that is not there is refused."""
    from leadterm.pipeline.evaluate_alignment import wanted_revisions  # noqa: PLC0415  # brings PyTorch

    return [one.product for one in wanted_revisions(section, run)]


def merge_into(
    output: Location, runs: Sequence[Location], properties: Mapping[str, Any], *, overwrite: Overwrite = False
) -> None:
    """Merge runs into one, in a Spark session of its own or the one that runs already."""
    finish_swaps(output)
    with spark_session(f"leadterm {output}", properties) as session:
        merge_runs(session, runs, output, overwrite=overwrite)


def subtract_from(
    run: Location,
    documents: NDArray[np.int64],
    output: Location,
    properties: Mapping[str, Any],
    *,
    overwrite: Overwrite = False,
    memory_per_task: str | int = "1GiB",
) -> None:
    """Make the run that lacks some documents, in a Spark session of its own or the one that runs already."""
    with spark_session(f"leadterm {output}", properties) as session:
        subtract_documents(session, run, documents, output, overwrite=overwrite, memory_per_task=memory_per_task)


def _run_one(session: Any, config: Config, run: Location, name: str, overwrites: Overwrites) -> None:
    """Run a job, or those of the shuffled run."""
    if name == SHUFFLED:
        _run_shuffled(session, config, run, overwrites)
    else:
        _run_job(session, config, run, name, overwrites)


def run_shuffled(session: Any, config: Config, run: Location, *, overwrite: Overwrite = False) -> None:
    """Shuffle the corpus of a run and count it: all products again, in ``<run>/shuffled``.

    Parameters
    ----------
    session
        Spark.
    config
        Settings of all jobs.
    run
        The run directory; it holds ``windows`` and ``vocabulary``.
    overwrite
        Make products anew; ``differing``: only those that were made from other inputs or with other settings.
    """
    _run_shuffled(session, config, run, Overwrites(overwrite))


def _run_shuffled(session: Any, config: Config, run: Location, overwrites: Overwrites) -> None:
    """Shuffle the corpus of a run and count it."""
    with part_of(SHUFFLED_RUN):
        _run_job(session, config, run, Job.SHUFFLE_CORPUS, overwrites)
        for job in (one for one in jobs_where(counts_shuffled=True) if is_asked(config, one)):
            _run_job(session, config, run / SHUFFLED_RUN, job, overwrites, within=f"{SHUFFLED_RUN}/")


def _run_job(session: Any, config: Config, run: Location, name: str, overwrites: Overwrites, within: str = "") -> None:
    """Run a job, whose module is loaded only now: PyTorch, which takes seconds, for some only."""
    job = Job(name)
    function = function_of(job)
    overwrite = overwrites.of(within + name)
    function(*([session] if job.on_executors else []), config, run, overwrite=overwrite)
    overwrites.note(within + name)
