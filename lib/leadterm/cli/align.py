"""``leadterm align``: a checkpoint scored against a run."""

import argparse
from collections.abc import Sequence
from typing import Any

from leadterm.catalog.products import SHUFFLED_RUN, Product
from leadterm.cli.console import say
from leadterm.config import AlignmentSection, parse_alignment
from leadterm.storage import Location, read_manifest

SHARED = ("predictors", "tokens", "probe", "layers", "heads", "norms", "device", "shuffled")
"""Options that are keys of the config's section alignment."""


def add_align(commands: Any) -> None:
    """Add ``leadterm align``; its options are keys of the config's section alignment."""
    align = commands.add_parser("align", help="score how far a checkpoint agrees with a run")
    align.add_argument("run", help="a run directory")
    align.add_argument("source", help="a folder, a GGUF file or a name on the Hugging Face hub")
    align.add_argument("--revisions", nargs="+", metavar="NAME", help="names, ranges such as step1..step512, or all")
    align.add_argument("--name", help="what the table calls the model (default its source)")
    align.add_argument("--predictors", choices=("paper", "every"), default="paper", help="default paper")
    align.add_argument("--tokens", type=_number, default="all", help="all (default), occurring, or how many")
    align.add_argument("--probe", choices=("alone", "bos"), default="alone", help="default alone")
    align.add_argument("--layers", nargs="+", type=int, metavar="N", help="from 0 (default all)")
    align.add_argument(
        "--heads",
        nargs="+",
        type=_number,
        default=["all"],
        metavar="N",
        help="all (default), none, or layers whose heads are scored one by one",
    )
    align.add_argument(
        "--norms",
        default="auto",
        metavar="HOW",
        help="of the predictors' covariances: auto (default), exact or estimated",
    )
    align.add_argument(
        "--shuffled", action="store_true", help="score against the run's shuffled corpus too, which must be there"
    )
    align.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default auto")
    align.add_argument("--overwrite", action="store_true", help="score anew, also what was scored")
    align.set_defaults(action=_align)


def _number(text: str) -> str | int:
    """Read a number, or leave a word as it is."""
    return int(text) if text.removeprefix("-").isdecimal() else text


def _word_or_numbers(values: Sequence[str | int]) -> str | Sequence[str | int]:
    """Take a single word out of its list."""
    return values[0] if len(values) == 1 and isinstance(values[0], str) else values


def _section(options: argparse.Namespace) -> AlignmentSection:
    """Check the options as the config's section alignment; the seed is that of the shuffled corpus that is there."""
    checkpoint = {"source": options.source, "revisions": options.revisions, "name": options.name}
    shared = {key: getattr(options, key) for key in SHARED} | {"heads": _word_or_numbers(options.heads)}
    section = parse_alignment({"checkpoints": [checkpoint], **shared})
    windows = read_manifest(Location.of(options.run) / SHUFFLED_RUN, Product.WINDOWS) if section.shuffled else None
    return section.model_copy(update={"shuffled_seed": windows.settings["shuffled"]["seed"]}) if windows else section


def _align(options: argparse.Namespace) -> None:
    """Score a checkpoint against a run, then show how far they agree."""
    section = _section(options)
    from leadterm.pipeline.evaluate_alignment import named_revisions, score_revisions  # noqa: PLC0415  # brings PyTorch
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # brings PyTorch
    from leadterm.run.summary import agreement_table  # noqa: PLC0415  # brings PyTorch
    from leadterm.spark.session import spark_session  # noqa: PLC0415  # brings Spark

    run = Location.of(options.run)
    with spark_session(f"leadterm align {run}") as session:
        score_revisions(session, section, run, named_revisions(section), overwrite=options.overwrite)
    say("\n".join(agreement_table(open_run(options.run))))
    say("a page shows more: run jobs/build_report.py with the run's config")
