"""Attention, from windows and scores to the query-key matrix and the position bias: leadterm, one-hot products."""

from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, label, ratios
from benchmarks.floors import attention_floors, reached
from benchmarks.measure import Contender, Prepared, made_anew
from benchmarks.samples import Sample
from benchmarks.stages import logged_session

SAMPLES = ("words onehot", "large", "words large", "words tiny")
PRODUCTS = ("query_key", "position")


def run_part(bench: Bench) -> dict[str, Any]:
    """Require the same results of both on the same small sample, then measure them, and leadterm on large ones."""
    from benchmarks.gate_attention import check_query_key, compare_attention  # noqa: PLC0415  # imports torch

    bench.make_counts(SAMPLES, composed=True)
    small, large = bench.samples["words onehot"], bench.samples["large"]
    found = bench.measure(OURS, "words onehot", warm_up="words tiny")
    accuracy = {ONEHOT.name: bench.call(compare_attention, small)}
    found |= bench.measure(ONEHOT, "words onehot", warm_up="words tiny")
    found |= bench.measure(OURS, "large", "words large", warm_up="words tiny")
    accuracy["the large sample"] = bench.call(check_query_key, large)
    least = bench.call(attention_floors, large)
    return {
        "accuracy": accuracy,
        "measurements": {name: one.as_dict() for name, one in found.items()},
        "ratios": {ONEHOT.name: ratios(found, OURS, ONEHOT, "words onehot", "words large")},
        "floors": reached(least["floors"], found[label(OURS, "large")]),
        "kernel": least["kernel"],
        "stages_of": label(OURS, "large"),
    }


def prepare_ours(output: Path) -> Prepared:
    """Start Spark for leadterm's job."""
    from leadterm.pipeline.count_attention.job import count_attention  # noqa: PLC0415

    session, finish = logged_session(output.parent)
    return made_anew(PRODUCTS, partial(count_attention, session)), finish


def prepare_onehot(_: Path) -> Prepared:
    """Load torch; the scores are made before the time is taken, as leadterm's are, and in float32."""
    import torch  # noqa: PLC0415  # which a Spark job's process is spared

    from benchmarks.peer_onehot_attention import attend_onehot, dense_scores  # noqa: PLC0415

    def work(sample: Sample, _: Path) -> Any:
        return partial(attend_onehot, sample, dense_scores(sample, torch.float32))

    return work, lambda: None


OURS = Contender("leadterm, attention", prepare_ours)
ONEHOT = Contender("one-hot attention, torch", prepare_onehot)
