"""Composition, from the counts to the scores of attention at the pairs that occur: leadterm, on the driver."""

from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, label
from benchmarks.floors import composition_floor, reached
from benchmarks.measure import Contender, Prepared, made_anew

SAMPLES = ("large", "words large", "words tiny")


def run_part(bench: Bench) -> dict[str, Any]:
    """Measure the job, and check some rows of what it made."""
    from benchmarks.gate_attention import check_scores  # noqa: PLC0415  # imports torch

    bench.make_counts(SAMPLES)
    found = bench.measure(OURS, "large", "words large", warm_up="words tiny")
    return {
        "accuracy": {f"the sample {name}": bench.call(check_scores, bench.samples[name]) for name in SAMPLES[:2]},
        "measurements": {name: one.as_dict() for name, one in found.items()},
        "floors": reached([bench.call(composition_floor, bench.samples["large"])], found[label(OURS, "large")]),
    }


def prepare_ours(_: Path) -> Prepared:
    """Load torch and compile the kernels."""
    from leadterm.catalog.jobs import Job  # noqa: PLC0415
    from leadterm.pipeline.compose_weights.job import compose_weights  # noqa: PLC0415

    return made_anew(Job.COMPOSE_WEIGHTS.makes, compose_weights), lambda: None


OURS = Contender("leadterm, composition", prepare_ours)
