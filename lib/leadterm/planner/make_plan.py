"""Before a run of hours, what it will take, from a sample of its corpus and without Spark."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadterm.catalog.jobs import jobs_where
from leadterm.catalog.products import SHUFFLED_RUN, Product
from leadterm.config import Config
from leadterm.machine_memory import available_memory
from leadterm.packages import is_installed
from leadterm.pipeline.job_choice import is_asked
from leadterm.pipeline.preflight import refusals
from leadterm.storage import Location, read_manifest
from leadterm.storage.formats.alignment_table import alignment_manifests

FEW_POSITIONS = 50_000
"""Of a sample, below which predictions of pairs are too high, and by more than their bounds say."""


@dataclass(frozen=True)
class Plan:
    """What a run will take.

    Attributes
    ----------
    stages
        In order.
    notes
        What the numbers are of, and what they leave out.
    hazards
        What would go wrong.
    """

    stages: Sequence[Any]
    notes: Sequence[str]
    hazards: Sequence[Any]


def make_plan(config: Config, output: Location | None, cores: int, sample_bytes: int, seed: int = 0) -> Plan:
    """Draw a sample, measure it, and predict all stages.

    Parameters
    ----------
    config
        Of the run.
    output
        The run directory; None if it is not known yet.
    cores
        Tasks that run at once.
    sample_bytes
        Of text.
    seed
        Of the sample.

    Raises
    ------
    LeadtermError
        If the corpus or the tokenizer is missing or broken.
    """
    from leadterm.planner import refusals as hazards  # noqa: PLC0415  # brings numba
    from leadterm.planner.cost_model import predict_stages, whole_run  # noqa: PLC0415  # as above
    from leadterm.planner.observe import observe  # noqa: PLC0415  # as above

    device, problems = (
        _device(config),
        [hazards.Hazard(stage, True, str(error)) for stage, error in refusals(config, output)],
    )
    seen = observe(config, sample_bytes, seed, composes_here=device == "cpu")
    corpus, (later, left_out) = seen.observed.corpus, _alignment(config, seen, cores)
    stages = [*predict_stages(config, seen.observed, cores), *later]
    is_local = str(config.spark.get("spark.master", "local")).startswith("local")
    problems += hazards.of_the_corpus(config, corpus, seen.drawn, seen.tokens)
    problems += hazards.of_the_vocabulary(config, seen.vocabulary)
    problems += hazards.before_counting(config, corpus)
    problems += hazards.of_memory(stages, cores if is_local else 0, available_memory())
    problems += hazards.of_disks(stages, output, _shuffle_folder(config))
    stages = [*stages, *([whole_run(stages)] if stages else [])]
    return Plan(stages, [*_notes(config, seen, cores, device), *left_out], problems)


def _alignment(config: Config, seen: Any, cores: int) -> tuple[list[Any], list[str]]:
    """Predict the comparison with checkpoints, if the config asks for it, and say what is left out."""
    if config.alignment is None:
        return [], []
    if not is_installed("torch"):  # What would be refused says so.
        return [], ["alignment is not predicted: PyTorch is not installed"]
    from leadterm.planner.alignment_plan import plan_alignment  # noqa: PLC0415  # brings PyTorch

    return plan_alignment(config, seen, cores)


def _device(config: Config) -> str:
    """Say where scores will be composed."""
    wanted = config.attention.device
    if wanted != "auto":
        return wanted
    if not is_installed("torch"):
        return "cpu"
    import torch  # noqa: PLC0415  # takes seconds

    return "cuda" if torch.cuda.is_available() else "cpu"


def _shuffle_folder(config: Config) -> Path:
    """Say where Spark keeps what it shuffles."""
    chosen = os.environ.get("SPARK_LOCAL_DIRS") or str(config.spark.get("spark.local.dir", tempfile.gettempdir()))
    return Path(chosen.split(",")[0]).absolute()


def _notes(config: Config, seen: Any, cores: int, device: str) -> list[str]:
    """Say what the numbers are of, and what they leave out."""
    drawn = seen.drawn
    notes = [
        f"from {drawn.sample_documents:,} documents, {drawn.share:.2g} of the text of {drawn.files:,} files, in "
        f"{seen.seconds:.0f} s" + ("; that is all of it, so sizes are exact" if drawn.share >= 1 else ""),
        f"times are for {cores} cores as fast as the one measured and otherwise idle; they exclude the start "
        "of Spark, reading over a network, and reading again for hashes",
    ]
    if drawn.share < 1 and seen.observed.census.whole.positions < FEW_POSITIONS:
        notes.append("the sample is so small that actual values may well be outside the bounds; raise --sample")
    if config.corpus.where is not None:
        notes.append("corpus.where is not evaluated: the plan is for all records, and a run takes as much or less")
    if left_out := [job for job in jobs_where(predicted=False) if is_asked(config, job)]:
        notes.append(f"without {', '.join(left_out)}, whose cost is not predicted")
    notes += drawn.caveats
    if device != "cpu":
        notes.append(f"scores are composed on {device}, whose time is not predicted")
    return notes


def measure_run(run: Location) -> dict[tuple[str, str], float]:
    """Take from the manifests of a run what a plan predicts, by stage and quantity.

    Parameters
    ----------
    run
        The run directory. What it does not hold is left out.
    """
    values = _measured(run, "")
    shuffled = _measured(run / SHUFFLED_RUN, "shuffled: ")
    values |= {key: size for key, size in shuffled.items() if key[0] != "shuffled: encode"}
    if ("shuffled: encode", "windows bytes") in shuffled:
        values["shuffled: windows", "windows bytes"] = shuffled["shuffled: encode", "windows bytes"]
    scored = alignment_manifests(run)
    if scored:
        values["alignment", "revisions"] = len(scored)
        layers = (one.settings["layers"] or range(one.counts["layers"]) for one in scored)
        values["alignment", "layers"] = sum(map(len, layers))
        values["alignment", "tokens"] = scored[0].counts["tokens"]
        prepared = read_manifest(run, Product.PREDICTORS)
        if len(scored) == 1 and prepared:  # Of more, which are scored in parallel, no manifest says how long it was.
            values["alignment", "seconds"] = scored[0].seconds["evaluate"] + prepared.seconds["prepare"]
    return values


def _measured(run: Location, prefix: str) -> dict[tuple[str, str], float]:
    """Take from the manifests of a run, or of its shuffled one, what they say of each stage that a plan predicts."""
    values: dict[tuple[str, str], float] = {}
    for product in Product:
        found = read_manifest(run, product) if product.stage else None
        if found is None:
            continue
        stage = f"{prefix}{product.stage}"
        values[stage, f"{product} bytes"] = sum(entry.bytes for entry in found.files)
        if product.pairs:
            values[stage, f"{product} nonzeros"] = found.counts["nonzeros"]
        for quantity, key in COUNTED.get(product, {}).items():
            values[stage, quantity] = found.counts[key]
        if "partials" in found.passing_bytes:
            of = stage.removesuffix("merge")
            values[f"{of}count", "partial bytes"] = found.passing_bytes["partials"]
            values |= {(f"{of}{name}", "seconds"): found.seconds[name] for name in ("count", "merge")}
        elif product in (Product.WINDOWS, Product.COMPOSED):
            values[stage, "seconds"] = sum(found.seconds.values())
    return values


COUNTED = {
    Product.WINDOWS: {
        "documents": "documents",
        "kept documents": "kept",
        "tokens": "tokens",
        "vocabulary": "vocabulary_size",
        "windows": "windows",
        "positions": "positions",
    }
}
"""Quantities of a plan, and what manifests call them."""
