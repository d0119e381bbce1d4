"""``leadterm run``, and the scripts in ``jobs/``: a config's jobs."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leadterm.cli.config_files import read_config
from leadterm.cli.console import report_errors, say_page
from leadterm.cli.logging_setup import add_log_argument
from leadterm.cli.show import show
from leadterm.pipeline.preflight import require_installed
from leadterm.storage import Location

if TYPE_CHECKING:
    from leadterm.config import Config
    from leadterm.pipeline.finished_work import FinishedWork

logger = logging.getLogger("leadterm")


def add_run(commands: Any) -> None:
    """Add ``leadterm run``."""
    run = commands.add_parser("run", help="run all jobs of a config, skipping up-to-date products")
    add_job_arguments(run)
    run.set_defaults(action=_run)


def job_main(name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a single job, or with ``run_pipeline`` all of them: the body of the scripts in ``jobs/``."""
    parser = argparse.ArgumentParser(prog=name)
    add_job_arguments(parser)
    add_log_argument(parser)
    options = parser.parse_args(arguments)
    names = None if name == "run_pipeline" else [name]
    return report_errors(lambda: run_jobs_of(options, names), name, options.log_json)


def add_job_arguments(parser: argparse.ArgumentParser, *, overwrites: bool = True) -> None:
    """Add the arguments that every job takes."""
    parser.add_argument("--config", required=True, help="a YAML file; see conf/")
    parser.add_argument("--output", required=True, help="the run directory: a path or a URL")
    if overwrites:
        parser.add_argument("--overwrite", action="store_true", help="rebuild everything, including existing products")
    parser.add_argument(
        "--hash-inputs",
        action="store_true",
        help="read and hash all input files, even if their names, lengths and times of change are the same as before",
    )


def _run(options: argparse.Namespace) -> None:
    """Run all jobs, then show what came out, and where the page about it is."""
    config, did_work = _run_jobs(options, None)
    if did_work:
        show(options.output, config.associations.tokens, config.associations.k)
    say_page(options.output)


def run_jobs_of(options: argparse.Namespace, names: Sequence[str] | None) -> Config:
    """Run some jobs of a config, by default all that it asks for, and return the config."""
    return _run_jobs(options, names)[0]


def _run_jobs(options: argparse.Namespace, names: Sequence[str] | None) -> tuple[Config, bool]:
    """Run some jobs of a config, unless it is known that there is nothing to do.

    Returns
    -------
    config : Config
        As it was read.
    did_work : bool
        False if it was known beforehand that there is nothing to do.
    """
    require_installed("leadterm run" if names is None else f"the job {', '.join(names)}", names)
    config = read_config(options.config)
    run = Location.of(options.output)
    from leadterm.pipeline.finished_work import FinishedWork  # noqa: PLC0415  # brings the config's schema

    work = FinishedWork(("run", *(names or ())), config, run)
    if not (options.overwrite or options.hash_inputs) and is_done(work):
        return config, False
    work.look()
    from leadterm.pipeline.runner import run_jobs  # noqa: PLC0415  # Spark is loaded once there is something to do

    run_jobs(config, run, names, overwrite=options.overwrite)
    work.note()
    return config, True


def is_done(work: FinishedWork) -> bool:
    """Say whether a command has nothing to do, and if so tell the user and the log."""
    if not work.is_done():
        return False
    files = "its input file has" if work.n_files == 1 else f"its {work.n_files:,} input files have"
    same = "the same name, length and time of change"
    logger.info(
        "nothing to do: %s is up to date, and %s %s. See it with: leadterm show %s", work.run, files, same, work.run
    )
    return True
