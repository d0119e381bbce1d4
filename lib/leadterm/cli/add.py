"""``leadterm add``, ``merge`` and ``subtract``: runs that grow, are put together, or lose documents."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from leadterm.catalog.jobs import Job, jobs_where
from leadterm.cli.config_files import read_config
from leadterm.cli.console import report_errors, say_page
from leadterm.cli.logging_setup import add_log_argument
from leadterm.cli.run import add_job_arguments, is_done
from leadterm.cli.show import show
from leadterm.pipeline.preflight import require_installed
from leadterm.storage import Location


def add_add(commands: Any) -> None:
    """Add ``leadterm add``."""
    _add_arguments(commands.add_parser("add", help="count the new files of a corpus and add them to its run"))


def add_merge(commands: Any) -> None:
    """Add ``leadterm merge``."""
    _merge_arguments(commands.add_parser("merge", help="merge runs over different files into one"))


def add_subtract(commands: Any) -> None:
    """Add ``leadterm subtract``."""
    command = commands.add_parser("subtract", help="make the run that lacks some documents, exactly")
    command.add_argument("run", help="a run directory, which stays as it is")
    command.add_argument(
        "--documents", required=True, metavar="FILE", help="their hashes, as leadterm sources tells them"
    )
    command.add_argument("--output", required=True, help="the directory of the run that is made: a path or a URL")
    command.add_argument("--config", help="a YAML file, of which spark and counting.memory_per_task are read")
    command.add_argument("--overwrite", action="store_true", help="make all anew, what is there too")
    command.set_defaults(action=_subtract)


def add_main(arguments: Sequence[str] | None = None) -> int:
    """Do what ``leadterm add`` does: the body of ``jobs/add_files.py``."""
    return _main(Job.ADD_FILES, _add_arguments, arguments)


def merge_main(arguments: Sequence[str] | None = None) -> int:
    """Do what ``leadterm merge`` does: the body of ``jobs/merge_runs.py``."""
    return _main(Job.MERGE_RUNS, _merge_arguments, arguments)


def _main(name: str, add: Callable[[argparse.ArgumentParser], None], arguments: Sequence[str] | None) -> int:
    """Parse the arguments of a script, and run it."""
    parser = argparse.ArgumentParser(prog=name)
    add(parser)
    add_log_argument(parser)
    options = parser.parse_args(arguments)
    return report_errors(lambda: options.action(options), name, options.log_json)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``leadterm add``."""
    add_job_arguments(parser, overwrites=False)
    parser.add_argument(
        "--only-counts", action="store_true", help="do not update the products that are made from the counts"
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="files to add, all of them new (default: whatever is new in the corpus)",
    )
    parser.set_defaults(action=_add)


def _merge_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``leadterm merge``."""
    parser.add_argument("--output", required=True, help="the directory of the new run: a path or a URL")
    parser.add_argument("--config", help="a YAML file, from which only the section spark is read")
    parser.add_argument("--overwrite", action="store_true", help="rebuild everything, including existing products")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="runs with the same vocabulary and settings")
    parser.set_defaults(action=_merge)


def _add(options: argparse.Namespace) -> None:
    """Add files, go on with the other jobs, then show what came out."""
    require_installed("leadterm add", jobs_where(adds_up=True) if options.only_counts else None)
    config = read_config(options.config)
    run = Location.of(options.output)
    from leadterm.pipeline.finished_work import FinishedWork  # noqa: PLC0415  # brings the config's schema

    work = FinishedWork(("add", str(options.only_counts), *options.files), config, run)
    if not (options.files or options.hash_inputs) and is_done(
        work
    ):  # Files that are named must be new, and are refused otherwise.
        return
    work.look()
    from leadterm.pipeline.runner import add_to_run  # noqa: PLC0415  # Spark is loaded once there is something to do

    add_to_run(config, run, options.files, only_counts=options.only_counts)
    work.note()
    if not options.only_counts:
        show(options.output, config.associations.tokens, config.associations.k)
        say_page(options.output)


def _merge(options: argparse.Namespace) -> None:
    """Merge runs."""
    require_installed("leadterm merge", [Job.MERGE_RUNS])
    properties = read_config(options.config).spark if options.config else {}
    runs, output = [Location.of(run) for run in options.runs], Location.of(options.output)
    from leadterm.pipeline.runner import merge_into  # noqa: PLC0415  # Spark is not loaded for every command

    merge_into(output, runs, properties, overwrite=options.overwrite)


def _subtract(options: argparse.Namespace) -> None:
    """Subtract documents from a run."""
    require_installed("leadterm subtract", [Job.SUBTRACT_DOCUMENTS])
    config = read_config(options.config) if options.config else None
    from leadterm.pipeline.runner import subtract_from  # noqa: PLC0415  # Spark is not loaded for every command
    from leadterm.pipeline.subtract_documents.documents_file import read_hashes  # noqa: PLC0415  # as above

    run, output = Location.of(options.run), Location.of(options.output)
    memory = {"memory_per_task": config.counting.memory_per_task} if config else {}
    hashes = read_hashes(Location.of(options.documents))
    subtract_from(run, hashes, output, config.spark if config else {}, overwrite=options.overwrite, **memory)
