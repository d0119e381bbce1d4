"""``leadterm verify``, ``ablate`` and ``pretrain``: jobs of a config, and a model that is trained on their run."""

import argparse
from typing import Any

from leadterm.catalog.jobs import Job
from leadterm.cli.config_files import read_config
from leadterm.cli.console import say, say_page
from leadterm.cli.run import add_job_arguments, run_jobs_of
from leadterm.pipeline.preflight import require_installed
from leadterm.storage import Location


def add_verify(commands: Any) -> None:
    """Add ``leadterm verify``."""
    verify = commands.add_parser(
        "verify", help="run all jobs, train a small transformer and compare its weights with the predicted ones"
    )
    add_job_arguments(verify)
    verify.set_defaults(action=_verify)


def add_ablate(commands: Any) -> None:
    """Add ``leadterm ablate``."""
    ablate = commands.add_parser("ablate", help="measure the trained transformer's loss without its leading terms")
    add_job_arguments(ablate, overwrites=False)
    ablate.set_defaults(action=_ablate)


def add_pretrain(commands: Any) -> None:
    """Add ``leadterm pretrain``."""
    pretrain = commands.add_parser("pretrain", help="run all jobs and train a small language model, saving revisions")
    add_job_arguments(pretrain)
    pretrain.set_defaults(action=_pretrain)


def _verify(options: argparse.Namespace) -> None:
    """Make the run, train on it and compare."""
    require_installed(Job.VERIFY_WEIGHTS.called, [Job.VERIFY_WEIGHTS])
    from leadterm.pipeline.runner import jobs_of  # noqa: PLC0415  # brings Spark
    from leadterm.pipeline.verify_weights import job as verification  # noqa: PLC0415  # brings PyTorch
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it

    run = Location.of(options.output)
    verification.require_training(read_config(options.config), run)
    *jobs, page = jobs_of(read_config(options.config))
    config = run_jobs_of(options, jobs)
    verification.verify_weights(config, run, overwrite=options.overwrite)
    say(verification.summarise_agreement(verification.Check.of(open_run(options.output), config)))
    run_jobs_of(options, [page])
    say_page(options.output)


def _ablate(options: argparse.Namespace) -> None:
    """Take what was trained on a run, or train it, and leave leading terms out."""
    require_installed(Job.ABLATE_WEIGHTS.called, [Job.ABLATE_WEIGHTS])
    from leadterm.pipeline.ablate_weights.job import ablate_weights  # noqa: PLC0415  # brings PyTorch
    from leadterm.pipeline.verify_weights.job import Check, summarise_ablation  # noqa: PLC0415  # brings PyTorch
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it

    config = read_config(options.config)
    ablate_weights(config, Location.of(options.output))
    say(summarise_ablation(Check.of(open_run(options.output), config)))


def _pretrain(options: argparse.Namespace) -> None:
    """Make the run, train a language model on it, and score its revisions if the config says how."""
    require_installed(Job.PRETRAIN_MODEL.called, [Job.PRETRAIN_MODEL])
    from leadterm.pipeline.pretrain_model import job as pretrain  # noqa: PLC0415  # brings PyTorch
    from leadterm.pipeline.runner import jobs_of  # noqa: PLC0415  # brings Spark

    run = Location.of(options.output)
    pretrain.require_pretraining(read_config(options.config), run)
    jobs = jobs_of(read_config(options.config))
    first = jobs.index(Job.COUNT_ATTENTION) + 1  # What a checkpoint is compared with is there; then there is a model.
    config = run_jobs_of(options, jobs[:first])
    pretrain.pretrain_model(config, run, overwrite=options.overwrite)
    run_jobs_of(options, jobs[first:])
    say(pretrain.summarise_pretraining(run))
    say_page(options.output)
