"""``leadterm align``: a checkpoint scored against a run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import SHUFFLED_RUN, Product
from leadterm.cli.console import say
from leadterm.cli.section_options import add_section_options, given_settings
from leadterm.packages import is_installed
from leadterm.pipeline.preflight import require_installed
from leadterm.storage import Location, read_manifest

if TYPE_CHECKING:
    from leadterm.config import AlignmentSection

NO_OPTIONS = ("checkpoints", "shuffled_seed")
"""Keys that are no options: the command scores one checkpoint, and takes the shuffled corpus that is there."""


def add_align(commands: Any) -> None:
    """Add ``leadterm align``; its options are keys of the config's section alignment, and of one of its checkpoints."""
    align = commands.add_parser("align", help="score how well a checkpoint agrees with a run")
    align.set_defaults(action=_align)
    align.prepare = _add_options


def _add_options(align: argparse.ArgumentParser) -> None:
    """Add the options; other commands do not wait for what describes them."""
    align.add_argument("run", help="a run directory")
    if not is_installed("pydantic"):  # The sections are made with it; the command says what it lacks.
        align.add_argument("options", nargs=argparse.REMAINDER)
        return
    from leadterm.config import AlignmentSection, CheckpointSection  # noqa: PLC0415  # brings pydantic

    how = [key for key in AlignmentSection.model_fields if key not in NO_OPTIONS]
    add_section_options(align, CheckpointSection, CheckpointSection.model_fields)
    add_section_options(align, AlignmentSection, how, {"shuffled": "it must be there"})
    align.add_argument("--overwrite", action="store_true", help="score again what was already scored")


def _section(options: argparse.Namespace) -> AlignmentSection:
    """Check the options as the config's section alignment; the seed is that of the shuffled corpus that is there."""
    from leadterm.config import AlignmentSection, CheckpointSection, parse_section  # noqa: PLC0415  # brings pydantic

    checkpoints = [given_settings(options, CheckpointSection)]
    section = parse_section(AlignmentSection, {"checkpoints": checkpoints, **given_settings(options, AlignmentSection)})
    windows = read_manifest(Location.of(options.run) / SHUFFLED_RUN, Product.WINDOWS) if section.shuffled else None
    return section.model_copy(update={"shuffled_seed": windows.settings["shuffled"]["seed"]}) if windows else section


def _align(options: argparse.Namespace) -> None:
    """Score a checkpoint against a run, then show how far they agree."""
    require_installed("leadterm align", [Job.EVALUATE_ALIGNMENT])
    section = _section(options)
    from leadterm.pipeline.evaluate_alignment import named_revisions, score_revisions  # noqa: PLC0415  # brings PyTorch
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it
    from leadterm.run.summary import agreement_table  # noqa: PLC0415  # as above
    from leadterm.spark.session import spark_session  # noqa: PLC0415  # brings Spark

    run = Location.of(options.run)
    with spark_session(f"leadterm align {run}") as session:
        score_revisions(session, section, run, named_revisions(section), overwrite=options.overwrite)
    say("\n".join(agreement_table(open_run(options.run))))
    say("for a page that shows more, run jobs/build_report.py with the run's config")
