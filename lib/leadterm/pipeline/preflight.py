"""What can be known before a run of hours: all that its jobs would refuse for want of what is asked of this machine.

``leadterm plan`` tells it, and whatever runs jobs refuses it before the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from leadterm.catalog.jobs import Job, jobs_where
from leadterm.catalog.products import Product
from leadterm.errors import ConfigError, LeadtermError
from leadterm.packages import require_packages
from leadterm.storage import Location, read_manifest

if TYPE_CHECKING:
    from leadterm.config import Config


class Check(NamedTuple):
    """A question that a job asks sooner or later.

    Attributes
    ----------
    job
        Which one.
    stage
        What a plan calls the stage.
    ask
        Raises a LeadtermError if the job would be refused.
    """

    job: str
    stage: str
    ask: Callable[[], object]


def checks_of(config: Config, output: Location | None) -> list[Check]:
    """List what depends on the config, the machine and the place of the run alone.

    Parameters
    ----------
    config
        Of the run.
    output
        The run directory; None if it is not known yet.
    """
    checks = [
        _packages(Job.ENCODE_CORPUS, "encode", "spark"),
        _packages(Job.COMPOSE_WEIGHTS, "compose"),
        Check(Job.COMPOSE_WEIGHTS, "compose", partial(_require_device, config.attention.device)),
        Check(Job.COUNT_ATTENTION, "attention: count", partial(_require_distribution, config, output)),
    ]
    if config.alignment:
        checks.append(_packages(Job.EVALUATE_ALIGNMENT, "alignment"))
        checks.append(Check(Job.EVALUATE_ALIGNMENT, "alignment", partial(_require_device, config.alignment.device)))
    if config.report.figures == "always":
        checks.append(Check(Job.BUILD_REPORT, "report", _require_matplotlib))
    return checks


def _packages(job: Job, stage: str, *extras: str) -> Check:
    """Ask for the packages of a job."""
    return Check(job, stage, partial(require_packages, job.called, *extras, *job.extras))


def refusals(config: Config, output: Location | None) -> Iterator[tuple[str, LeadtermError]]:
    """Give the stages that would be refused whatever the corpus is, and the first reason of each."""
    refused = set()
    for check in checks_of(config, output):
        if check.stage in refused:
            continue
        try:
            check.ask()
        except LeadtermError as error:
            refused.add(check.stage)
            yield check.stage, error


def require_installed(what: str, jobs: Sequence[str] | None = None) -> None:
    """Refuse jobs, before the config is read, for which packages are missing; by default those of every run.

    Raises
    ------
    MachineError
        Names the packages, and how to install them.
    """
    some = jobs_where(when="") if jobs is None else tuple(job for job in Job if job in jobs)
    require_packages(what, "spark", *dict.fromkeys(extra for job in some for extra in job.extras))


def require_possible(config: Config, run: Location, jobs: Sequence[str]) -> None:
    """Refuse jobs, before any of them runs, of which one is sure to be refused.

    Parameters
    ----------
    config
        Of the run.
    run
        The run directory.
    jobs
        Which will run.

    Raises
    ------
    LeadtermError
        The one that the job would raise, after hours.
    """
    for check in checks_of(config, run):
        if check.job in jobs:
            check.ask()
    size = given_size(config) if Job.ENCODE_CORPUS in jobs else counted_size(run)
    if size is not None:
        require_room(config, size, jobs)


def require_room(config: Config, size: int, jobs: Sequence[str]) -> None:
    """Refuse a vocabulary of this size for which one of the jobs has too little memory.

    Raises
    ------
    ConfigError
        Says how much it takes.
    """
    from leadterm.pipeline.memory_checks import size_checks  # noqa: PLC0415  # brings numba

    for check in size_checks(config):
        if check.job in jobs:
            check.ask(size)


def given_size(config: Config) -> int | None:
    """Say how large the vocabulary will be; None where the corpus decides.

    Raises
    ------
    InputError
        If the tokenizer that is named cannot be loaded.
    """
    from leadterm.pipeline.encode_corpus.choose_tokenizer import FromCorpus, given_tokenizer  # noqa: PLC0415  # brings tokenizers

    given = given_tokenizer(config.tokenizer)
    return None if isinstance(given, FromCorpus) else given.vocabulary_size


def counted_size(run: Location) -> int | None:
    """Say how large the vocabulary of a run is; None if it has none yet."""
    found = read_manifest(run, Product.VOCABULARY)
    return int(found.counts["vocabulary_size"]) if found else None


def _require_device(device: str) -> None:
    """Refuse a GPU that is asked for and not there; ``auto`` takes what there is."""
    if device not in ("auto", "cpu"):
        require_packages(f"the device {device}", "torch")
        from leadterm.operators import resolve_device  # noqa: PLC0415  # brings PyTorch

        resolve_device(device)


def _require_distribution(config: Config, output: Location | None) -> None:
    """Refuse to let executors map scores that lie where no file can be mapped."""
    if output is not None and not output.is_local and config.attention.distribution == "filesystem":
        raise ConfigError(
            f"attention.distribution is 'filesystem', and {output} cannot be memory-mapped by the executors. Set "
            "attention.distribution to spark, or leave it out."
        )


def _require_matplotlib() -> None:
    from leadterm.report.draw_figures import require_matplotlib  # noqa: PLC0415  # brings PyTorch

    require_matplotlib()
