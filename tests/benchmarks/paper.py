"""The corpus side of the paper's Pythia experiment: 100,000 windows of T = 128, V = 50,304, from ids to Q and Delta.

The windows are those of this benchmark's own text; its tokenizer has 49,152 tokens, and the matrices as many rows and
columns more as Pythia's have.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.bench import Bench
from benchmarks.gate import check_rows
from benchmarks.measure import Contender, Prepared, made_anew
from benchmarks.samples import Sample
from benchmarks.stages import logged_session
from leadterm.config.load import parse_config

SAMPLES = ("large", "tiny")
WINDOWS = 100_000
PADDING = 50_304 - 49_152
"""Rows of Pythia's matrices above SmolLM2's tokens."""
PRODUCTS = (
    "sources", "documents", "vocabulary", "windows", "bigram", "context", "frequencies", "composed", "query_key",
    "position",
)  # fmt: skip


def run_part(bench: Bench) -> dict[str, Any]:
    """Measure all four jobs, one after the other; then check rows of all that they made."""
    from benchmarks.gate_attention import check_query_key, check_scores  # noqa: PLC0415  # imports torch

    sample = as_ids(bench.samples["large"])
    bench.samples["paper"] = sample
    bench.call(write_ids, bench.samples["large"], Path(sample.config.corpus.paths[0]))
    found = bench.measure(OURS, "paper")
    checks = {"counts": check_rows, "scores": check_scores, "query-key matrix": check_query_key}
    return {
        "accuracy": {name: bench.call(check, sample) for name, check in checks.items()},
        "measurements": {name: one.as_dict() for name, one in found.items()},
    }


def as_ids(sample: Sample) -> Sample:
    """Describe the run of a sample's windows as documents of ids."""
    folder = sample.folder.with_name(f"{sample.folder.name}-paper")
    sections = {
        "corpus": {"paths": [str(folder.with_suffix(".parquet"))], "ids_column": "ids"},
        "tokenizer": {"kind": "ids", "vocabulary_size": sample.sizes["vocabulary_size"] + PADDING},
        "windows": {"length": sample.config.windows.length},
    }
    return Sample(folder, parse_config(sections))


def write_ids(sample: Sample, place: Path) -> None:
    """Write a sample's first full windows, a document each."""
    tokens, offsets = sample.flat_windows()
    length = sample.config.windows.length
    starts = offsets[:-1][np.diff(offsets) == length + 1][:WINDOWS]
    windows = tokens[starts[:, None] + np.arange(length + 1)]
    ids = pa.FixedSizeListArray.from_arrays(windows.ravel(), length + 1).cast(pa.list_(pa.int32()))
    pq.write_table(pa.table({"ids": ids}), place)


def prepare(output: Path) -> Prepared:
    """Start Spark, and load torch."""
    from leadterm.pipeline.compose_weights.job import compose_weights  # noqa: PLC0415
    from leadterm.pipeline.count_attention.job import count_attention  # noqa: PLC0415
    from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences  # noqa: PLC0415
    from leadterm.pipeline.encode_corpus.job import encode_corpus  # noqa: PLC0415

    session, finish = logged_session(output.parent)
    jobs = (
        partial(encode_corpus, session), partial(count_cooccurrences, session), compose_weights,
        partial(count_attention, session),
    )  # fmt: skip

    def all_jobs(*arguments: Any) -> None:
        for job in jobs:
            job(*arguments)

    return made_anew(PRODUCTS, all_jobs), finish


OURS = Contender("leadterm, all four jobs", prepare)
