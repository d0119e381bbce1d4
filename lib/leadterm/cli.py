"""The command line: ``leadterm run``, ``show``, ``weights``, ``verify`` … and what the jobs' scripts do."""

import argparse
import logging
import re
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import pyarrow.parquet as pq

from leadterm._version import __version__
from leadterm.config import Config, load_config, parse_alignment
from leadterm.config.sizes import parse_bytes
from leadterm.errors import LeadtermError
from leadterm.store import Location

SAMPLE_ROW_GROUP = 64
"""Chapters a row group: small, so that a laptop's cores share even this little text."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of ``leadterm``; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="leadterm", description="corpus statistics that transformer weights begin with"
    )
    parser.add_argument("--version", action="version", version=f"leadterm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run all jobs of a config, skipping what is done")
    add_job_arguments(run)
    run.set_defaults(action=_run)

    show = commands.add_parser("show", help="show what a run holds, and the strongest associations of some tokens")
    show.add_argument("run", help="a run directory")
    show.add_argument("tokens", nargs="*", help="tokens of its vocabulary")
    show.add_argument("-k", type=int, default=10, help="associations per token (default 10)")
    show.set_defaults(action=lambda options: _show(options.run, options.tokens, options.k))

    _add_weights(commands)
    _add_align(commands)

    verify = commands.add_parser("verify", help="run all jobs, train a small transformer, and compare their weights")
    add_job_arguments(verify)
    verify.set_defaults(action=_verify)

    ablate = commands.add_parser("ablate", help="measure the trained transformer's loss without its leading terms")
    add_job_arguments(ablate, overwrites=False)
    ablate.set_defaults(action=_ablate)

    pretrain = commands.add_parser("pretrain", help="run all jobs, and train a small language model, keeping revisions")
    add_job_arguments(pretrain)
    pretrain.set_defaults(action=_pretrain)

    sample = commands.add_parser("sample", help="write the sample text as Parquet")
    sample.add_argument("folder", type=Path, help="where to")
    sample.add_argument("--model", action="store_true", help="the sample model too, a GGUF file of 98 MB")
    sample.set_defaults(action=lambda options: _write_samples(options.folder, model=options.model))
    options = parser.parse_args(arguments)
    return report_errors(lambda: options.action(options))


def _add_weights(commands: Any) -> None:
    """Add ``leadterm weights``."""
    weights = commands.add_parser("weights", help="write the predicted weights of a run as a safetensors file")
    weights.add_argument("run", help="a run directory")
    weights.add_argument("--steps", type=int, required=True, help="of gradient descent, over all windows at once")
    weights.add_argument("--learning-rate", type=float, required=True, help="of gradient descent")
    weights.add_argument("--layers", type=int, required=True, help="of the model; it changes the conditions only")
    weights.add_argument("--output", required=True, help="the file, which is replaced: a path or a URL")
    weights.add_argument("--weights", nargs="+", metavar="NAME", help="output value query_key position (default all)")
    weights.add_argument("--rows", type=_rows, help="FIRST:LAST, token ids before LAST (default all)")
    weights.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="default float64")
    weights.add_argument("--max-bytes", type=_size, default="2GiB", help="refuse larger files (default 2GiB)")
    weights.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to compute (default cpu)")
    weights.set_defaults(action=_save_weights)


def _add_align(commands: Any) -> None:
    """Add ``leadterm align``; its options are keys of the config's section alignment."""
    align = commands.add_parser("align", help="score how far a checkpoint agrees with a run")
    align.add_argument("run", help="a run directory")
    align.add_argument("source", help="a folder, a GGUF file or a name on the Hugging Face hub")
    align.add_argument("--revisions", nargs="+", metavar="NAME", help="names, ranges such as step1..step512, or all")
    align.add_argument("--name", help="what the table calls the model (default its source)")
    align.add_argument("--predictors", choices=("paper", "every"), default="paper", help="default paper")
    align.add_argument("--tokens", type=_tokens, default="all", help="all (default), occurring, or how many")
    align.add_argument("--probe", choices=("alone", "bos"), default="alone", help="default alone")
    align.add_argument("--layers", nargs="+", type=int, metavar="N", help="from 0 (default all)")
    align.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default auto")
    align.add_argument("--overwrite", action="store_true", help="replace scores made with other settings")
    align.set_defaults(action=_align)


def _tokens(text: str) -> str | int:
    """Read ``all``, ``occurring`` or a number."""
    return int(text) if text.isdecimal() else text


def _rows(text: str) -> slice:
    """Read ``0:1000``, ``:1000`` or ``1000:``."""
    match = re.fullmatch(r"(\d*):(\d*)", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected FIRST:LAST, such as 0:1000, found {text!r}")
    return slice(*(int(number) if number else None for number in match.groups()))


def _size(text: str) -> int:
    """Read ``8GiB``."""
    try:
        return parse_bytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected {error}, found {text!r}") from error


def job_main(name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a single job, or with ``run_pipeline`` all of them: the body of the scripts in ``jobs/``."""
    parser = argparse.ArgumentParser(prog=name)
    add_job_arguments(parser)
    options = parser.parse_args(arguments)
    return report_errors(lambda: _run_jobs(options, None if name == "run_pipeline" else [name]))


def add_job_arguments(parser: argparse.ArgumentParser, *, overwrites: bool = True) -> None:
    """Add the arguments that every job takes."""
    parser.add_argument("--config", required=True, help="a YAML file; see conf/")
    parser.add_argument("--output", required=True, help="the run directory: a path or a URL")
    if overwrites:
        parser.add_argument("--overwrite", action="store_true", help="replace products of other inputs or settings")


def report_errors(action: Callable[[], object]) -> int:
    """Run a command; a LeadtermError becomes its message and exit status 1, anything else keeps its traceback."""
    handler = logging.StreamHandler(sys.stderr)
    # Py4J logs in full what it then raises, and whatever goes wrong as it closes.
    handler.addFilter(lambda record: record.module not in ("java_gateway", "clientserver"))
    logging.basicConfig(format="%(message)s", handlers=[handler])
    logging.getLogger("leadterm").setLevel(logging.INFO)
    # A scheduler's SIGTERM cleans up as Ctrl-C does, and cancels Spark's jobs by the handler that PySpark sets for it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        action()
    except LeadtermError as error:
        _say(f"leadterm: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("leadterm: stopped; finished products are kept, run again to go on", sys.stderr)
        return 130
    return 0


def _say(text: str, stream: TextIO | None = None) -> None:
    """Write what a command has to say, on standard output by default: the only place where the library prints."""
    print(text, file=stream)


def _run(options: argparse.Namespace) -> None:
    """Run all jobs, then show what came out, and where the page about it is."""
    config = _run_jobs(options, None)
    _show(options.output, config.associations.tokens, config.associations.k)
    _say_page(options.output)


def _say_page(run: str) -> None:
    """Say where the page about a run is."""
    from leadterm.report import page_address  # noqa: PLC0415  # brings PyTorch

    _say(f"look at it in a browser:  {page_address(Location.of(run))}")


def _verify(options: argparse.Namespace) -> None:
    """Make the run, train on it and compare."""
    from leadterm.pipeline import jobs_of  # noqa: PLC0415  # brings Spark
    from leadterm.run import open_run  # noqa: PLC0415  # brings PyTorch
    from leadterm.verification import Check, summarise_agreement  # noqa: PLC0415  # brings PyTorch

    *jobs, page = jobs_of(load_config(options.config))
    config = _run_jobs(options, jobs)
    check = Check.of(open_run(options.output), config)
    _say(summarise_agreement(check, check.verify()))
    _run_jobs(options, [page])
    _say_page(options.output)


def _ablate(options: argparse.Namespace) -> None:
    """Take what was trained on a run, or train it, and leave leading terms out."""
    from leadterm.run import open_run  # noqa: PLC0415  # brings PyTorch
    from leadterm.verification import Check, summarise_ablation  # noqa: PLC0415  # brings PyTorch

    check = Check.of(open_run(options.output), load_config(options.config))
    _say(summarise_ablation(check, check.ablate()))


def _pretrain(options: argparse.Namespace) -> None:
    """Make the run, train a language model on it, and score its revisions if the config says how."""
    from leadterm import pretrain  # noqa: PLC0415  # brings PyTorch
    from leadterm.pipeline import COUNTING  # noqa: PLC0415  # brings Spark

    run = Location.of(options.output)
    pretrain.require_pretraining(load_config(options.config), run)
    config = _run_jobs(options, COUNTING)
    if not pretrain.pretrain(config, run, overwrite=options.overwrite):
        logging.getLogger("leadterm").info("pretrain: nothing to do: made from the same inputs already")
    _run_jobs(options, None)
    _say(pretrain.summarise_pretraining(run))
    _say_page(options.output)


def _align(options: argparse.Namespace) -> None:
    """Score a checkpoint against a run, then show how far they agree."""
    section = parse_alignment(
        {
            "checkpoints": [{"source": options.source, "revisions": options.revisions, "name": options.name}],
            **{key: getattr(options, key) for key in ("predictors", "tokens", "probe", "layers", "device")},
        }
    )
    from leadterm.evaluation import named_revisions, score_revisions  # noqa: PLC0415  # brings PyTorch
    from leadterm.run import open_run  # noqa: PLC0415  # brings PyTorch
    from leadterm.spark.session import spark_session  # noqa: PLC0415  # brings Spark
    from leadterm.summary import agreement_table  # noqa: PLC0415  # brings PyTorch

    run = Location.of(options.run)
    with spark_session(f"leadterm align {run}") as session:
        score_revisions(session, section, run, named_revisions(section), overwrite=options.overwrite)
    _say("\n".join(agreement_table(open_run(options.run))))
    _say("a page shows more: run jobs/build_report.py with the run's config")


def _save_weights(options: argparse.Namespace) -> None:
    """Write predicted weights, and say where the theorem stands."""
    from leadterm.run import open_run  # noqa: PLC0415  # brings PyTorch
    from leadterm.saving import NAMES, save_weights  # noqa: PLC0415  # brings PyTorch

    run, names = open_run(options.run), options.weights or NAMES
    weights = run.predicted_weights(options.steps, options.learning_rate, options.layers, options.device)
    limits = {"rows": options.rows, "dtype": options.dtype, "max_bytes": options.max_bytes}
    n_bytes = save_weights(weights, options.output, names, **limits)
    failing = "; ".join(one.statement for one in weights.conditions if not one.holds)
    _say(f"wrote {options.output}: {', '.join(names)}, {n_bytes:,} bytes")
    _say(f"outside the theorem, which asks for {failing}" if failing else "within the theorem")


def _show(run: str, tokens: Sequence[str], k: int) -> None:
    """Show what a run holds."""
    from leadterm.summary import summarise  # noqa: PLC0415  # brings PyTorch, for which no job should wait

    _say(summarise(run, tokens, k))


def _run_jobs(options: argparse.Namespace, names: Sequence[str] | None) -> Config:
    """Run jobs."""
    config = load_config(options.config)
    run = Location.of(options.output)
    from leadterm.pipeline import run_jobs  # noqa: PLC0415  # Spark is loaded once the config is good

    run_jobs(config, run, names, overwrite=options.overwrite)
    return config


def _write_samples(folder: Path, *, model: bool) -> None:
    """Write the sample text, and the sample model if it is asked for, unless they are there."""
    from leadterm.corpus import read_sample, sample_model  # noqa: PLC0415  # brings tokenizers

    def write_text(partial: Path) -> None:
        pq.write_table(read_sample(), partial, row_group_size=SAMPLE_ROW_GROUP)

    _write_once(folder / "kjv.parquet", write_text, "the King James Bible, a row per chapter")
    if model:
        found = sample_model()
        target = folder / f"{found.name.split('.')[0]}.gguf"
        _write_once(target, lambda partial: shutil.copyfile(found, partial), "a language model of 135 million weights")


def _write_once(target: Path, write: Callable[[Path], object], what: str) -> None:
    """Write a file whole, unless it is there."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    write(partial)
    partial.rename(target)
    _say(f"wrote {target}: {what}")
